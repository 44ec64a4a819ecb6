"""Episodes followed week by week with sets and searches, as the rules read."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geo.detect.episodes import TierLevel

Node = tuple[int, int]  # level, position


class World:
    """Who touches whom, and who lies in whom, over all levels."""

    def __init__(self, levels: Sequence[TierLevel]) -> None:
        self.levels = levels
        self.nodes = [(i, j) for i, one in enumerate(levels) for j in range(len(one.codes))]
        self.nodes.sort(key=lambda node: (node[0], self.code(node)))
        self.rank = {node: i for i, node in enumerate(self.nodes)}
        self.sides = {
            (i, j): [(i, int(k)) for k in np.flatnonzero(one.touching.toarray()[j])]
            for i, one in enumerate(levels)
            for j in range(len(one.codes))
        }

    def code(self, node: Node) -> str:
        return str(self.levels[node[0]].codes[node[1]])

    def tier(self, week: int, node: Node) -> int:
        return int(self.levels[node[0]].tiers[week, node[1]])

    def above(self, node: Node) -> list[Node]:
        """Areas in which a node lies, the smallest first."""
        found = []
        i, j = node
        while i + 1 < len(self.levels) and self.levels[i].parents[j] >= 0:
            i, j = i + 1, int(self.levels[i].parents[j])
            found.append((i, j))
        return found

    def near(self, one: Node, other: Node) -> bool:
        return other in self.sides[one] or other in self.above(one) or one in self.above(other)

    def sets(self, week: int) -> list[set[Node]]:
        """Connected sets of the areas with a tier, by their first area."""
        standing = {node for node in self.nodes if self.tier(week, node) >= 1}
        links: dict[Node, set[Node]] = {node: set() for node in standing}
        for node in standing:
            higher = [over for over in self.above(node) if over in standing][:1]
            for other in [*(side for side in self.sides[node] if side in standing), *higher]:
                links[node].add(other)
                links[other].add(node)
        whole = self.whole()
        if whole in standing:
            # It holds everything, so it ties nothing together: it goes with one warning or alone.
            for other in links.pop(whole):
                links[other].discard(whole)
            parts = self._groups(standing - {whole}, links)
            links[whole] = set()
            if len(parts) == 1:
                links[whole] = set(parts[0])
                for node in parts[0]:
                    links[node].add(whole)
        return self._groups(standing, links)

    def whole(self) -> Node | None:
        """The one area that holds all others; None where there is none."""
        top = len(self.levels) - 1
        return (top, 0) if top and len(self.levels[top].codes) == 1 else None

    def _groups(self, standing: set[Node], links: dict[Node, set[Node]]) -> list[set[Node]]:
        found: list[set[Node]] = []
        for node in self.nodes:
            if node in standing and not any(node in group for group in found):
                group, waiting = {node}, [node]
                while waiting:
                    for other in links[waiting.pop()] - group:
                        group.add(other)
                        waiting.append(other)
                found.append(group)
        return found


def episode_ids(
    levels: Sequence[TierLevel],
    *,
    measure: str,
    weeks: Sequence[str],
    hold_weeks: int,
    memory_weeks: int,
) -> list[dict[str, str]]:
    """For each week: code of every area with a tier → id of its episode."""
    world = World(levels)
    footprint: dict[str, set[Node]] = {}  # live episodes, the oldest first
    rests: dict[str, list[bool]] = {}  # whether each week since its last tier was known
    told = []
    for week, name in enumerate(weeks):
        sets = world.sets(week)
        owner: dict[int, str] = {}
        gone: set[str] = set()
        ages = {episode: age for age, episode in enumerate(footprint)}

        def settle(claims: dict[str, dict[int, int]]) -> None:
            won: dict[int, list[str]] = {}
            for episode, common in claims.items():
                best = min(common, key=lambda c: (-common[c], -len(sets[c]), c))  # noqa: B023
                won.setdefault(best, []).append(episode)
            for number, episodes in won.items():
                owner[number] = min(episodes, key=ages.__getitem__)  # noqa: B023
                gone.update(set(episodes) - {owner[number]})  # noqa: B023

        shared = {
            episode: {c: len(areas & group) for c, group in enumerate(sets) if areas & group}
            for episode, areas in footprint.items()
        }
        settle({episode: common for episode, common in shared.items() if common})
        free = {c: group for c, group in enumerate(sets) if c not in owner}
        close = {
            episode: {
                c: number
                for c, group in free.items()
                if (number := sum(world.near(a, b) for a in footprint[episode] for b in group))
            }
            for episode, common in shared.items()
            if not common
        }
        settle({episode: common for episode, common in close.items() if common})
        here = {}
        for c, group in enumerate(sets):
            if c not in owner:
                top = max(world.tier(week, node) for node in group)
                place = min(
                    (node for node in group if world.tier(week, node) == top),
                    key=world.rank.__getitem__,
                )
                owner[c] = f"{measure}.{world.code(place)}.{name}"
            footprint[owner[c]] = group
            rests[owner[c]] = []
            here |= {world.code(node): owner[c] for node in group}
        for episode in list(footprint):
            if episode not in owner.values():
                known = all(world.tier(week, node) >= 0 for node in footprint[episode])
                rests[episode].append(known)
            silence = [*reversed(rests[episode]), True].index(True)
            if episode in gone or sum(rests[episode]) > hold_weeks or silence > memory_weeks:
                del footprint[episode]
        told.append(here)
    return told
