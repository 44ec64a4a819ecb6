"""The map in a real browser: colours where they belong, clicks, and nothing lost on the way."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from dashboard.tokens import Theme, tokens
from tests.support.browser import PageWatch
from tests.support.map_app import PREFIX, SITES, create_app, serving, view
from tests.support.synthetic_reader import WEEKS, SyntheticReader

READY = "document.documentElement.dataset.mapReady === 'true'"
LAYER = "rate.hotline_calls"
HOST = "[...xintuMap.controllers.values()][0].host"
PLAIN = {"labels": False, "context": False}  # nothing over the areas


@pytest.fixture(scope="module")
def reader() -> SyntheticReader:
    return SyntheticReader(2_400)


@pytest.fixture(scope="module")
def address(reader: SyntheticReader) -> Iterator[str]:
    with serving(create_app(reader, layer="access", level="village", **PLAIN)) as url:
        yield url


class Map:
    """The page with the map, and what a test does on it."""

    def __init__(self, watch: PageWatch, reader: SyntheticReader, url: str) -> None:
        self.watch, self.page, self.reader = watch, watch.page, reader
        self.page.goto(url)
        self.wait()

    def wait(self) -> None:
        self.page.wait_for_function(READY)

    def show(self, **choices: Any) -> None:
        data = view(self.reader, **{**PLAIN, **choices})
        script = "([id, data]) => dash_clientside.set_props(id, {data})"
        self.page.evaluate(script, [f"{PREFIX}-view", data])
        self.page.wait_for_function(
            "key => { const c = [...xintuMap.controllers.values()][0];"
            " return JSON.stringify(c.view) === key && c.ready; }",
            arg=self.page.evaluate("data => JSON.stringify(data)", data),
        )

    def store(self, name: str) -> Any:
        """Data of one of the component's stores."""
        script = "id => dash_component_api.getLayout(id).props.data"
        return self.page.evaluate(script, f"{PREFIX}-{name}")

    def camera(self) -> dict[str, float]:
        return self.page.evaluate(f"{HOST}.view()")

    def pixels(self) -> np.ndarray:
        with Image.open(io.BytesIO(self.page.screenshot())) as picture:
            return np.asarray(picture.convert("RGB")).astype(int)

    def places(self, level: str) -> np.ndarray:
        """Pixel of the label point of every area: a place inside it."""
        script = f"""(level) => {{
            const areas = [...xintuMap.controllers.values()][0].areas.get(level);
            const view = {HOST}.view();
            return Array.from({{length: areas.n}}, (_, i) => {{
                const [x, y] = areas.labelPoint(i);
                return [(x + areas.origin[0] - view.x) * view.scale + view.width / 2,
                        (y + areas.origin[1] - view.y) * view.scale + view.height / 2];
            }});
        }}"""
        return np.array(self.page.evaluate(script, level)).round().astype(int)

    def colours(self, level: str) -> np.ndarray:
        """Colour of every area, at its label point; -1 where that is off the screen."""
        shown, places = self.pixels(), self.places(level)
        inside = ((places >= 0) & (places < shown.shape[1::-1])).all(axis=1)
        found = np.full((len(places), 3), -1)
        found[inside] = shown[places[inside, 1], places[inside, 0]]
        return found


@pytest.fixture
def shown(page_watch: PageWatch, reader: SyntheticReader, address: str) -> Map:
    return Map(page_watch, reader, address)


@pytest.fixture
def flat(page_watch: PageWatch, reader: SyntheticReader, address: str) -> Map:
    return Map(page_watch, reader, f"{address}/?flat=1")


def rgb(colour: str) -> list[int]:
    return [int(colour[i : i + 2], 16) for i in (1, 3, 5)]


def wanted(
    reader: SyntheticReader, level: str, layer: str, palette: str, *, week: str = "",
    theme: Theme = "light",
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Colour of every area that has a class or is zero, and which areas those are."""
    found = reader.layer("synthetic", level, layer, week)
    ramp = [rgb(colour) for colour in tokens(theme).ramp(palette)]
    ramp += [rgb(tokens(theme)["zero-ground"])] * (16 - len(ramp))
    return np.array(ramp)[found.classes & 15], found.states == 0


def assert_coloured(found: np.ndarray, colours: np.ndarray, plain: np.ndarray) -> None:
    """All but those under a boundary line: few villages, more of the small cells."""
    seen = plain & (found >= 0).all(axis=1)
    assert seen.sum() > 0.6 * len(found)
    wrong = np.abs(found[seen] - colours[seen]).max(axis=1) > 3
    allowed = 0.08 if len(found) > 1000 else 0.01
    assert wrong.mean() <= allowed, f"{wrong.sum()} of {seen.sum()} areas have another colour"


def test_areas_have_the_colour_of_their_class(shown: Map) -> None:
    assert_coloured(shown.colours("village"), *wanted(shown.reader, "village", "access", "access"))
    shown.watch.assert_quiet()


def test_cells_have_the_colour_of_their_class(shown: Map) -> None:
    shown.show(layer="gap", level="grid")
    assert_coloured(shown.colours("grid"), *wanted(shown.reader, "grid", "gap", "gap"))
    shown.watch.assert_quiet()


def test_another_week_is_another_picture(shown: Map) -> None:
    for week in (WEEKS[0], WEEKS[6]):
        shown.show(layer=LAYER, level="grid", week=week)
        expected = wanted(shown.reader, "grid", LAYER, "sequential", week=week)
        assert_coloured(shown.colours("grid"), *expected)
    shown.watch.assert_quiet()


def test_dark_and_light_have_their_own_colours(shown: Map) -> None:
    shown.show(theme="dark", level="village")
    expected = wanted(shown.reader, "village", "access", "access", theme="dark")
    assert_coloured(shown.colours("village"), *expected)
    corner = shown.pixels()[40, 40]
    assert corner.tolist() == rgb(tokens("dark")["map-ground"])
    shown.watch.assert_quiet()


@pytest.mark.parametrize("renderer", ["shown", "flat"])
def test_four_fills_that_are_not_a_class(renderer: str, request: pytest.FixtureRequest) -> None:
    """Zero is plain ground; no data, suppressed and unreliable are patterns of two colours."""
    drawn: Map = request.getfixturevalue(renderer)
    drawn.show(layer="access", level="village")
    states = drawn.reader.layer("synthetic", "village", "access").states
    picture, places = drawn.pixels(), drawn.places("village")
    light = tokens("light")
    marks = {1: "no-data-line", 2: "suppressed-dot"}
    for state, ground in ((1, "no-data-ground"), (2, "suppressed-ground"), (3, None)):
        around = [
            picture[y - 9 : y + 10, x - 9 : x + 10].reshape(-1, 3)
            for x, y in places[states == state]
        ]
        assert around, f"no area in state {state}"
        for patch in around:
            colours, counts = np.unique(patch, axis=0, return_counts=True)
            assert len(colours) > 1, f"state {state} is one colour"
            if ground is None:
                continue
            assert colours[counts.argmax()].tolist() == rgb(light[ground])
            darkest = colours[colours.sum(axis=1).argmin()]
            assert np.abs(darkest - rgb(light[marks[state]])).max() < 60
    drawn.watch.assert_quiet()


def test_without_webgl_the_picture_is_the_same(flat: Map) -> None:
    assert flat.page.evaluate("!document.querySelector('.maplibregl-map')")
    assert_coloured(flat.colours("village"), *wanted(flat.reader, "village", "access", "access"))
    flat.show(layer="gap", level="grid", theme="dark")
    expected = wanted(flat.reader, "grid", "gap", "gap", theme="dark")
    assert_coloured(flat.colours("grid"), *expected)
    assert flat.store("state")["renderer"] == "flat"
    flat.watch.assert_quiet()


@pytest.mark.parametrize("renderer", ["shown", "flat"])
def test_click_picks_the_area(renderer: str, request: pytest.FixtureRequest) -> None:
    drawn: Map = request.getfixturevalue(renderer)
    x, y = drawn.places("village")[37]
    drawn.page.mouse.click(int(x), int(y))
    drawn.page.wait_for_timeout(200)
    picked = drawn.store("picked")
    village = drawn.reader.levels["village"].iloc[37]
    assert (picked["level"], picked["idx"]) == ("village", 37)
    assert (picked["code"], picked["name"]) == (village["code"], village["name"])
    lng, lat = picked["lngLat"]
    assert village["geometry"].buffer(1e-4).intersects(_point(lng, lat))
    drawn.watch.assert_quiet()


def _point(lng: float, lat: float) -> Any:
    import shapely

    return shapely.Point(lng, lat)


def test_click_picks_the_facility(shown: Map) -> None:
    shown.show(sites=SITES, level="village")
    script = """() => {
        const {overlay, host} = [...xintuMap.controllers.values()][0];
        const mark = overlay.placed.marks.find(({owner}) => owner.site);
        const view = host.view();
        return [mark.owner.site.id, mark.x - view.x * view.scale + view.width / 2,
                mark.y - view.y * view.scale + view.height / 2];
    }"""
    site_id, x, y = shown.page.evaluate(script)
    shown.page.mouse.click(x, y)
    shown.page.wait_for_timeout(200)
    assert shown.store("picked")["site_id"] == site_id
    shown.watch.assert_quiet()


def test_tip_says_name_value_or_why_there_is_none(shown: Map) -> None:
    states = shown.reader.layer("synthetic", "village", "access").states
    places = shown.places("village")
    tip = shown.page.locator(".xmap-tip")
    for state, words in ((0, "人/万人"), (1, "无数据"), (2, "已隐去"), (3, "不稳定")):
        idx = int(np.flatnonzero(states == state)[0])
        shown.page.mouse.move(*map(int, places[idx]))
        tip.get_by_text(words).wait_for()
        assert shown.reader.levels["village"]["name"][idx] in tip.inner_text()
    shown.watch.assert_quiet()


def test_plotly_may_redraw_and_nothing_is_lost(shown: Map) -> None:
    """Restyle, relayout, react and a resize leave areas, colours and camera."""
    graph = f"document.querySelector('#{PREFIX}-graph .js-plotly-plot')"
    shown.page.evaluate(f"{HOST}.zoomTo(114.3, 30.62, 11.4, 0)")
    shown.wait()
    before = shown.camera()
    # As Dash would hand it over again, with the camera of the beginning.
    shown.page.evaluate(
        f"() => {{ window.xintuFirstLayout = structuredClone({graph}.layout);"
        " xintuFirstLayout.map.center = {lon: 114, lat: 30}; xintuFirstLayout.map.zoom = 8; }"
    )
    for change in (
        f"Plotly.restyle({graph}, {{'marker.size': 9}})",
        f"Plotly.relayout({graph}, {{'paper_bgcolor': '#ffffff'}})",
        f"Plotly.react({graph}, {graph}.data, structuredClone({graph}.layout))",
        f"Plotly.react({graph}, {graph}.data, xintuFirstLayout)",
    ):
        shown.page.evaluate(f"async () => {{ await {change}; }}")
        shown.page.wait_for_timeout(120)
        shown.wait()
        after = shown.camera()
        assert after["zoom"] == pytest.approx(before["zoom"], abs=1e-6), change
        assert after["x"] == pytest.approx(before["x"], abs=1e-9), change
    colours, plain = wanted(shown.reader, "village", "access", "access")
    found = shown.colours("village")
    seen = plain & (found >= 0).all(axis=1)
    assert seen.sum() > 20
    assert (np.abs(found[seen] - colours[seen]).max(axis=1) <= 3).mean() > 0.97
    shown.watch.assert_quiet()


def test_another_window_shows_the_whole_county_still(shown: Map) -> None:
    shown.page.set_viewport_size({"width": 700, "height": 900})
    shown.page.wait_for_function(
        f"{HOST}.view().width === 700 && Math.abs({HOST}.view().zoom - {HOST}.viewOfBounds("
        "[...xintuMap.controllers.values()][0].view.levels[3].bounds).zoom) < 0.01"
    )
    shown.page.evaluate(f"{HOST}.idle()")
    shown.page.wait_for_timeout(200)
    places = shown.places("county")
    assert_coloured(shown.colours("village"), *wanted(shown.reader, "village", "access", "access"))
    assert 0 < places[0][0] < 700
    shown.watch.assert_quiet()


def test_cells_appear_when_they_can_be_read(shown: Map) -> None:
    shown.show(level="auto")
    assert shown.store("state")["level"] == "village"
    shown.page.evaluate(f"{HOST}.zoomTo(114.3, 30.62, 12.5, 0)")
    shown.page.wait_for_function("[...xintuMap.controllers.values()][0].level === 'grid'")
    shown.wait()
    assert shown.store("state")["level"] == "grid"
    shown.page.evaluate(f"{HOST}.zoomTo(114.3, 30.62, 10.6, 0)")
    shown.page.wait_for_function("[...xintuMap.controllers.values()][0].level === 'village'")
    shown.wait()
    shown.watch.assert_quiet()


def test_focus_moves_the_camera_and_a_week_does_not(shown: Map) -> None:
    village = shown.reader.levels["village"].iloc[20]
    shown.show(level="village", focus={"level": "village", "code": village["code"]})
    near = shown.camera()
    assert near["zoom"] > 12
    shown.show(layer=LAYER, level="village", week=WEEKS[2],
               focus={"level": "village", "code": village["code"]})  # fmt: skip
    assert shown.camera() == near
    shown.show(level="village", focus=None)
    assert shown.camera() == near
    shown.watch.assert_quiet()


def test_warnings_and_labels_do_not_cover_each_other(shown: Map) -> None:
    shown.show(level="village", warnings=True, labels=True, sites=SITES)
    script = """() => {
        const {overlay} = [...xintuMap.controllers.values()][0];
        const box = ({x, y, w, h}) => [x - w / 2, y - h / 2, x + w / 2, y + h / 2];
        const labels = overlay.placed.labels.map((label) => {
            const [w, h] = overlay._measure(label);
            return box({...label, w, h});
        });
        const warned = overlay.placed.marks.filter(({owner}) => owner.warning)
            .map((mark) => box({...mark, w: mark.stamp.w * 0.8, h: mark.stamp.h * 0.8}));
        const all = [...labels, ...warned];
        let clashes = 0;
        all.forEach((a, i) => all.slice(i + 1).forEach((b) => {
            if (a[0] < b[2] && a[2] > b[0] && a[1] < b[3] && a[3] > b[1]) clashes += 1;
        }));
        return {clashes, labels: labels.length, warned: warned.length};
    }"""
    found = shown.page.evaluate(script)
    assert found["clashes"] == 0
    assert found["labels"] >= 10
    assert found["warned"] == 15
    shown.watch.assert_quiet()


def test_days_of_weeks_leave_nothing_behind(shown: Map) -> None:
    """Sources, layers, meshes, stamps and listeners stay as many as they are."""
    count = f"""() => {{
        const {{map, layer}} = {HOST};
        const style = map.getStyle();
        return [Object.keys(style.sources).length, style.layers.length, layer.meshes.size,
                document.querySelectorAll('*').length,
                Object.values(map._listeners).reduce((n, list) => n + list.length, 0)];
    }}"""
    choices = [
        {"layer": LAYER, "level": level, "week": week, "theme": theme, "sites": SITES}
        for level, theme in (("village", "light"), ("grid", "dark"))
        for week in WEEKS[:4]
    ]
    for one in choices:
        shown.show(**one)
    before = shown.page.evaluate(count)
    for one in choices * 2:
        shown.show(**one)
    assert shown.page.evaluate(count) == before
    shown.watch.assert_quiet()


def test_what_cannot_be_fetched_leaves_the_last_picture(shown: Map) -> None:
    before = shown.colours("village")
    shown.page.route("**/rate.hotline_calls/**", lambda route: route.fulfill(status=503))
    data = view(shown.reader, layer=LAYER, level="village", **PLAIN)
    script = "([id, data]) => dash_clientside.set_props(id, {data})"
    shown.page.evaluate(script, [f"{PREFIX}-view", data])
    shown.page.wait_for_function("[...xintuMap.controllers.values()][0].told?.includes('error')")
    assert "503" in shown.store("state")["error"]
    assert shown.page.evaluate("document.documentElement.dataset.mapReady") == "false"
    assert (shown.colours("village") == before).all()
    shown.page.unroute("**/rate.hotline_calls/**")
    shown.show(layer=LAYER, level="village", theme="dark")
    assert shown.store("state").get("error") is None


def test_triangles_cover_every_area_once(shown: Map) -> None:
    """Holes, parts, and places nobody drew; the area of the triangles is that of the polygon."""
    script = """() => {
        const ring = (cx, cy, r, n, wave) => {
            const points = Array.from({length: n}, (_, k) => {
                const a = 2 * Math.PI * k / n;
                const at = r * (1 + wave * Math.sin(7 * a));
                return [cx + at * Math.cos(a), cy + at * Math.sin(a)];
            });
            return [...points, points[0]];
        };
        const shapes = [
            {type: 'Polygon', coordinates: [ring(114, 30, 0.1, 400, 0.4), ring(114.01, 30, 0.02, 30, 0.2),
                                            ring(113.97, 30.01, 0.015, 6, 0)]},
            {type: 'MultiPolygon', coordinates: [[ring(114.5, 30, 0.1, 50, 0.3)],
                [ring(114.8, 30.1, 0.08, 5, 0), ring(114.8, 30.1, 0.02, 4, 0)]]},
            null,
            {type: 'Polygon', coordinates: [ring(115, 30, 0.05, 6, 0)]},
        ];
        const features = shapes.map((geometry, idx) => ({type: 'Feature', geometry, properties: {idx, code: 'c' + idx}}));
        const areas = new xintuMap.data.Areas('test', {features});
        const mesh = xintuMap.mesh.build(areas);
        const size = (a, b, c) => Math.abs((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])) / 2;
        const at = (v) => [mesh.xy[2 * v], mesh.xy[2 * v + 1]];
        const drawn = [0, 0, 0, 0];
        for (let k = 0; k < mesh.triangles.length; k += 3) {
            const [a, b, c] = mesh.triangles.subarray(k, k + 3);
            drawn[mesh.id[a] & 0x7fffffff] += size(at(a), at(b), at(c));
        }
        const real = [0, 0, 0, 0];
        for (let i = 0; i < 4; i++) for (let r = areas.featureRing[i]; r < areas.featureRing[i + 1]; r++) {
            const [first, end] = areas.ring(r);
            let sum = 0;
            for (let k = first, j = end - 1; k < end; j = k++) {
                sum += areas.xy[2 * j] * areas.xy[2 * k + 1] - areas.xy[2 * k] * areas.xy[2 * j + 1];
            }
            real[i] += (areas.ringIsHole[r] ? -1 : 1) * Math.abs(sum) / 2;
        }
        const {mercatorX: x, mercatorY: y} = xintuMap.data;
        const pick = (lng, lat) => areas.pick(x(lng), y(lat));
        return {drawn, real, fans: mesh.fans,
                picks: [pick(114.05, 30), pick(114.01, 30), pick(114.8, 30.16), pick(114.8, 30.1), pick(115, 30), pick(116, 31)]};
    }"""  # noqa: E501
    found = shown.page.evaluate(script)
    np.testing.assert_allclose(found["drawn"], found["real"], rtol=1e-4)
    assert found["real"][2] == 0
    assert found["fans"] == 1
    assert found["picks"] == [0, -1, 1, -1, 3, -1]


def test_the_last_of_many_views_is_shown(shown: Map) -> None:
    """Views that come in faster than they can be drawn; one host, and the newest picture."""
    script = """([id, views]) => views.forEach((data) => dash_clientside.set_props(id, {data}))"""
    views = [
        view(shown.reader, layer=LAYER, level="grid", week=week, **PLAIN) for week in WEEKS[:5]
    ]
    shown.page.evaluate(script, [f"{PREFIX}-view", views])
    shown.show(layer=LAYER, level="grid", week=WEEKS[5])
    expected = wanted(shown.reader, "grid", LAYER, "sequential", week=WEEKS[5])
    assert_coloured(shown.colours("grid"), *expected)
    assert shown.page.locator(".xmap-canvas").count() == 1
    assert shown.page.evaluate("xintuMap.controllers.size") == 1
    shown.watch.assert_quiet()


def test_the_page_may_be_left_and_opened_again(shown: Map) -> None:
    """As the router does: the component goes and comes; its map is made anew, the old one freed."""
    for _ in range(3):
        shown.page.evaluate("() => dash_clientside.set_props('page-open', {data: false})")
        shown.page.wait_for_function("!document.querySelector('.xmap')")
        shown.page.evaluate("() => dash_clientside.set_props('page-open', {data: true})")
        shown.page.wait_for_function("document.querySelector('.xmap .maplibregl-canvas')")
        shown.wait()
        shown.page.wait_for_function(f"[...xintuMap.controllers.values()][0].ready && {HOST}.alive")
    assert shown.page.locator(".maplibregl-canvas").count() == 1
    assert shown.page.evaluate("xintuMap.controllers.size") == 1
    assert_coloured(shown.colours("village"), *wanted(shown.reader, "village", "access", "access"))
    shown.watch.assert_quiet()
