"""A device's registers at one moment: the profile turned round, from physical values to words."""

from contract.conversion import raw_from_physical, words_of
from contract.profiles import Profile
from firmware_sim.frames import ExceptionCode, Function, WriteRequest
from firmware_sim.quirks import NO_QUIRKS, QUIRKS
from firmware_sim.weather import Sample


class RegisterBank:
    """Serves a profile's readable ranges; registers without a quantity read 0, addresses outside are refused.

    Settings that a master may write (`firmware_sim.quirks`) are kept here for as long as the simulator runs.
    """

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        quirks = QUIRKS.get(profile.name, NO_QUIRKS)
        self._write_functions = quirks.write_functions
        self._rolls_over_at = dict(quirks.rolls_over_at)
        self._settings = {setting.address: setting for setting in quirks.settings}
        self._stored = {setting.address: setting.default for setting in quirks.settings}
        self._functions = {profile.function_of(span) for span in profile.readable} | ({3} if self._stored else set())
        self._fixed = {
            (profile.function_of(part), part.address): part.values[0] for part in profile.identification if part.values
        }

    def read(self, function: int, address: int, count: int, sample: Sample) -> tuple[int, ...] | ExceptionCode:
        """The words of `count` registers from `address`, each 0..65535, or the exception a real device answers."""
        if function not in self._functions:
            return ExceptionCode.ILLEGAL_FUNCTION
        places = range(address, address + count)
        if function == Function.READ_HOLDING_REGISTERS and all(place in self._stored for place in places):
            return tuple(self._stored[place] for place in places)
        if not any(
            self.profile.function_of(span) == function and span.first <= address and places[-1] <= span.last
            for span in self.profile.readable
        ):
            return ExceptionCode.ILLEGAL_DATA_ADDRESS
        words = self._words(function, sample)
        return tuple(words.get(place, 0) for place in places)

    def write(self, request: WriteRequest) -> ExceptionCode | None:
        """Keeps the values, all or none. Returns the exception a real device answers instead."""
        if request.function not in self._write_functions:
            return ExceptionCode.ILLEGAL_FUNCTION
        wanted = dict(enumerate(request.words, start=request.address))
        if not wanted.keys() <= self._settings.keys():
            return ExceptionCode.ILLEGAL_DATA_ADDRESS
        for address, word in wanted.items():
            if not self._settings[address].minimum <= word <= self._settings[address].maximum:
                return ExceptionCode.ILLEGAL_DATA_VALUE
        self._stored.update(wanted)
        return None

    def _words(self, function: int, sample: Sample) -> dict[int, int]:
        profile = self.profile
        words = {address: word for (kind, address), word in self._fixed.items() if kind == function}
        for register in profile.register:
            if profile.function_of(register) == function:
                value = sample.get(register.quantity)
                limit = self._rolls_over_at.get(register.quantity)
                if value is not None and limit is not None:
                    value %= limit
                raw = raw_from_physical(register, value)
                for place, word in enumerate(words_of(register, profile.word_order_of(register), raw)):
                    words[register.address + place] = word
        return words
