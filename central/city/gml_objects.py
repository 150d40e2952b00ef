"""The objects of a CityGML file, one after the other, whatever theme they are of."""

from collections.abc import Iterator
from pathlib import Path

from central.city.gml_geometry import check_crs
from central.city.xml_source import Element, each_element, local_name


def city_objects(path: Path, names: frozenset[str]) -> Iterator[Element]:
    """Every city object of these local names; each is freed when the next one is asked for.

    The file must have passed `xml_source.root_name`.

    Raises:
        UserError: another coordinate system, broken XML.
    """
    # Appearances are named only to be freed: their texture coordinates can outweigh the objects.
    for member in each_element(path, ("Envelope", "cityObjectMember", "featureMember", "appearanceMember")):
        name = local_name(member)
        if name == "Envelope":
            if member.get("srsName"):
                check_crs(member.get("srsName"), f"{path}, line {member.sourceline}")
        elif name in {"cityObjectMember", "featureMember"}:
            for found in member:
                if local_name(found) in names:
                    for srs_name in found.xpath(".//@srsName"):
                        check_crs(srs_name, f"{path}, line {found.sourceline}, {object_id(found)}")
                    yield found


def object_names(path: Path) -> frozenset[str]:
    """Local names of all city objects of a file. Raises UserError for broken XML."""
    names: set[str] = set()
    for member in each_element(path, ("cityObjectMember", "featureMember", "appearanceMember")):
        names.update(local_name(found) for found in member)
    return frozenset(names)


def object_id(element: Element) -> str:
    """The gml:id, "" where there is none."""
    for name, value in element.attrib.items():
        if name.rpartition("}")[2] == "id":
            return str(value)
    return ""


def child_text(element: Element, name: str) -> str:
    """Text of the first child of this local name, stripped; "" where there is none."""
    found = next(element.iterchildren("{*}" + name), None)
    return (found.text or "").strip() if found is not None else ""
