"""Place discs without overlap: large ones in the middle, linked ones close.

Points are complex numbers, so that a turn is a multiplication. Everything is around 0.
"""

import math
from cmath import phase, rect
from collections.abc import Mapping, Sequence

_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))
"""The angle between seeds of a sunflower, which spreads them evenly."""
_SEED_SHARE = 1.12
"""The area that a seed takes, for each one of its disc's: the gaps between discs."""
_NEARNESS = 0.5
"""What the distance from a disc's target costs, for each one of that from the middle."""
_SETTLE_ROUNDS = 60
_MAX_PACKED = 80
"""Discs that are packed one by one. Small ones beyond that surround them as the seeds do."""


def fill_disc(radii: Sequence[float], inside: float = 0.0) -> list[complex]:
    """Return places for discs of nearly equal size, as the seeds of a sunflower.

    The first of `radii` is in the middle; `inside` is the radius of a free space there.
    """
    places, area = [], inside * inside
    for number, radius in enumerate(radii):
        share = radius * radius * _SEED_SHARE
        distance = math.sqrt(area + share / 2) if number or inside else 0.0
        if 0 < number < 4 and not inside:
            distance = max(distance, (radii[0] + radius) * 0.92)  # three fit around the first
        places.append(rect(distance, number * _GOLDEN_ANGLE))
        area += share
    return places


def pack_discs(
    radii: Sequence[float], links: Sequence[Mapping[int, float]], stretch: float = 1.0
) -> list[complex]:
    """Return places for discs of any sizes, each near the ones it is linked with.

    Discs are placed one by one, large ones first, against those in the way from the middle. `links`
    has the weights of each disc's links with others, `stretch` the width of the whole for each one
    of its height.
    """
    order = sorted(range(len(radii)), key=lambda disc: (-radii[disc], disc))
    places = [0j] * len(radii)
    skyline, is_placed = _Skyline(), [False] * len(radii)
    for disc in order[:_MAX_PACKED]:
        near = {other: weight for other, weight in links[disc].items() if is_placed[other]}
        total = sum(near.values())
        target = sum([places[other] * near[other] for other in near]) / total if total else 0j
        places[disc] = skyline.add_disc(radii[disc], target, stretch)
        is_placed[disc] = True
    packed, rest = order[:_MAX_PACKED], order[_MAX_PACKED:]
    middle = find_middle([places[disc] for disc in packed], [radii[disc] for disc in packed])
    for disc in packed:
        places[disc] -= middle
    if rest:
        inside = max(
            abs(complex(places[disc].real / stretch, places[disc].imag)) + radii[disc]
            for disc in packed
        )
        for disc, place in zip(
            rest, fill_disc([radii[disc] for disc in rest], inside), strict=True
        ):
            places[disc] = complex(place.real * stretch, place.imag)
    return places


def find_middle(places: Sequence[complex], radii: Sequence[float]) -> complex:
    """Return the middle of the rectangle around discs; 0 without discs."""
    if not places:
        return 0j
    edges = [
        edge
        for place, radius in zip(places, radii, strict=True)
        for edge in (place - complex(radius, radius), place + complex(radius, radius))
    ]
    across, down = [edge.real for edge in edges], [edge.imag for edge in edges]
    return complex(min(across) + max(across), min(down) + max(down)) / 2


def settle_discs(
    places: Sequence[complex],
    radii: Sequence[float],
    links: Sequence[Mapping[int, float]],
    stretch: float,
) -> list[complex]:
    """Return places of discs, moved together until they touch.

    The time grows with the square of the number of discs.
    """
    places = list(places)
    strongest = max([max(row.values(), default=0) for row in links], default=0)
    for round_number in range(_SETTLE_ROUNDS):
        pull = 0.06 * (1 - round_number / _SETTLE_ROUNDS)
        for disc, place in enumerate(places):
            step = complex(place.real / stretch, place.imag) * -pull
            for other, weight in links[disc].items():
                step += (places[other] - place) * (0.5 * pull * weight / strongest)
            places[disc] = place + step
        for _ in range(2):
            _push_apart(places, radii)
    for _ in range(_SETTLE_ROUNDS):
        if not _push_apart(places, radii):
            break
    return places


def _push_apart(places: list[complex], radii: Sequence[float]) -> bool:
    """Move discs that overlap apart, small ones more. Return True if any moved."""
    has_moved = False
    for disc, radius in enumerate(radii):
        place = places[disc]
        for other in range(disc):
            away = place - places[other]
            room = radius + radii[other]
            if abs(away.real) < room and abs(away.imag) < room and abs(away) < room - 1e-6:
                distance = abs(away)
                unit = away / distance if distance else rect(1, disc * _GOLDEN_ANGLE)
                share = radii[other] ** 2 / (radius**2 + radii[other] ** 2)
                place += unit * ((room - distance) * share)
                places[other] -= unit * ((room - distance) * (1 - share))
                has_moved = True
        places[disc] = place
    return has_moved


_DIRECTIONS = 144
"""The directions in which a skyline is known."""
_STEP = math.tau / _DIRECTIONS
_UNITS = [rect(1, direction * _STEP) for direction in range(_DIRECTIONS)]
"""The point at distance 1 in each direction."""


class _Skyline:
    """The outer edge of discs around 0, as a distance for each direction."""

    def __init__(self) -> None:
        self.distances = [0.0] * _DIRECTIONS

    def add_disc(self, radius: float, target: complex, stretch: float) -> complex:
        """Place a disc as near as possible to the middle and to a target."""
        best, best_cost = 0j, math.inf
        first = round(phase(target) / _STEP)
        for turn in range(_DIRECTIONS if any(self.distances) else 0):
            direction = (first + (-turn if turn % 2 else turn) // 2) % _DIRECTIONS
            unit = _UNITS[direction]
            place = unit * (self.distances[direction] + radius)
            aside = abs((target * unit.conjugate()).imag)
            if math.hypot(place.real / stretch, place.imag) + _NEARNESS * aside >= best_cost:
                continue
            place = unit * self._free_distance(direction, radius)
            cost = math.hypot(place.real / stretch, place.imag) + _NEARNESS * abs(place - target)
            if cost < best_cost - 1e-9:
                best, best_cost = place, cost
        self._cover(radius, best)
        return best

    def _free_distance(self, direction: int, radius: float) -> float:
        """Return how far from 0 a disc touches the first disc in its way."""
        distances = self.distances
        free = distances[direction] + radius
        for turn in range(1, _DIRECTIONS // 4):
            cosine, sine = _UNITS[turn].real, _UNITS[turn].imag
            if sine * free >= radius:
                break  # discs further aside are out of its way
            for edge in (distances[direction - turn], distances[direction + turn - _DIRECTIONS]):
                across = edge * sine
                if across > radius * cosine:
                    free = max(free, radius / sine)
                else:
                    free = max(free, edge * cosine + math.sqrt(radius * radius - across * across))
        return free

    def _cover(self, radius: float, place: complex) -> None:
        """Move the edge outwards in all directions that a disc touches."""
        distance, angle = abs(place), phase(place)
        middle = round(angle / _STEP)
        span = _DIRECTIONS // 2
        if distance > radius:
            span = min(span, int(math.asin(radius / distance) / _STEP) + 2)
        for turn in range(-span, span):
            offset = max(0.0, abs((middle + turn) * _STEP - angle) - _STEP / 2)
            across = distance * math.sin(offset)
            if radius > across and (offset < math.pi / 2 or radius > distance):
                far = distance * math.cos(offset) + math.sqrt(radius * radius - across * across)
                number = (middle + turn) % _DIRECTIONS
                self.distances[number] = max(self.distances[number], far)


def turn_towards(places: Sequence[complex], pulls: Sequence[complex]) -> complex:
    """Return the turn of places around 0 that follows their links best.

    It is a factor of length 1. `pulls` has the sum of the directions of each point's links.
    """
    moment = sum([place.conjugate() * pull for place, pull in zip(places, pulls, strict=True)], 0j)
    return moment / abs(moment) if abs(moment) > 1e-9 else 1 + 0j
