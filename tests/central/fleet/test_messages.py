"""The messages between a device and central: whatever comes, it is a message or a refusal by name."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract import provisioning
from contract.errors import UserError
from contract.provisioning import (
    CODE_ALPHABET,
    MESSAGE_BYTES_MAX,
    ClaimRequest,
    RefusalReason,
    Refused,
    RenewalRequest,
    Ticket,
    check_url,
    code_of,
    decode,
    decode_answer,
    normal_code,
    parse_ticket,
)

TICKET = Ticket("gw-01", "0123456789ABCDEFGHJKMNPQRS", "A" * 43, "https://central.example:8443")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_no_bytes_make_decoding_raise(payload):
    assert isinstance(decode(ClaimRequest, payload), Refused | ClaimRequest)
    assert isinstance(decode(RenewalRequest, payload), Refused | RenewalRequest)
    assert isinstance(decode_answer(payload), Refused | provisioning.Issued)


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b" " * (MESSAGE_BYTES_MAX + 1), RefusalReason.TOO_LARGE),
        (b"[" * 20_000, RefusalReason.MALFORMED),
        (b'{"v":1,"x":' + b"[" * 20_000, RefusalReason.MALFORMED),
        (b'{"v":2}', RefusalReason.UNSUPPORTED_VERSION),
        (b'{"v":1}', RefusalReason.MALFORMED),
    ],
)
def test_a_refusal_has_its_name(payload, reason):
    assert decode(ClaimRequest, payload).reason is reason
    assert decode_answer(payload).reason is reason


def test_a_newer_sender_may_say_more():
    claim = decode(ClaimRequest, b'{"v":1,"gateway":"gw","code":"c","csr_pem":"p","colour":"red"}')
    assert claim == ClaimRequest(1, "gw", "c", "p")


@settings(max_examples=100, deadline=None)
@given(st.binary(min_size=16, max_size=16))
def test_a_code_keeps_all_128_bits_and_survives_careless_typing(secret):
    code = code_of(secret)
    number = 0
    for letter in code:
        number = number << 5 | CODE_ALPHABET.index(letter)
    assert number.to_bytes(17, "big")[1:] == secret
    assert normal_code(f" {code[:5].lower()}-{code[5:]} ".replace("0", "o").replace("1", "l")) == code


def test_a_ticket_is_one_word_that_no_shell_changes():
    text = TICKET.text()
    assert not set(text) & set(" \t\"'$`\\!&;|<>()*?[]{}~#\n")
    assert parse_ticket(f"\n{text}\n") == TICKET


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=120))
def test_no_text_makes_the_reader_of_tickets_fall_over(text):
    for attempt in (text, f"KMG1/{text}", f"KMG1/gw/{TICKET.code}/{TICKET.pin}/{text}"):
        try:
            assert isinstance(parse_ticket(attempt), Ticket)
        except UserError as error:
            assert TICKET.code not in str(error)  # noqa: PT017 - either outcome is right


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "https://",
        "https://a/b",
        "https://a?x=1",
        "https://u@a",
        "https://a:99999",
        "ftp://a",
        "a",
        "https://[::1",
    ],
)
def test_only_an_address_of_https_is_one(url):
    with pytest.raises(UserError, match="is no address"):
        check_url(url, "url")


def test_an_address_has_its_port():
    assert check_url("https://a", "url") == ("a", 443)
    assert check_url("https://[::1]:8443", "url") == ("::1", 8443)
