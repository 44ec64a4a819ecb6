"""Every component id, once: `PAGE_THING_KIND = "page-thing-kind"`."""

from __future__ import annotations

from typing import Final

# Shell: on every page
SHELL_ADDRESS: Final = "shell-address-location"
SHELL_REQUEST: Final = "shell-request-store"
SHELL_THEME: Final = "shell-theme-store"
SHELL_PAGE: Final = "shell-page-box"
SHELL_NOTE: Final = "shell-note-box"

# Map page
MAP_STATE: Final = "map-state-store"
# The map component makes its ids from its prefix.
MAP_CANVAS: Final = "map-canvas"
MAP_VIEW: Final = "map-canvas-view"
MAP_PICKED: Final = "map-canvas-picked"
MAP_FRAME: Final = "map-frame-store"
MAP_RAIL: Final = "map-rail-box"
MAP_LEGEND: Final = "map-legend-box"
MAP_HEADING: Final = "map-heading-box"
MAP_CRUMBS: Final = "map-crumbs-box"
MAP_PANEL: Final = "map-panel-box"
MAP_PANEL_TOGGLE: Final = "map-panel-button"
MAP_RAIL_TOGGLE: Final = "map-rail-button"
MAP_WEEK_BOX: Final = "map-week-box"
MAP_WEEK_SLIDER: Final = "map-week-slider"
MAP_WEEK_LABEL: Final = "map-week-label"
MAP_WEEKS: Final = "map-weeks-store"
MAP_LEVELS: Final = "map-levels-box"
MAP_SOURCE: Final = "map-source-box"
MAP_SEARCH_INPUT: Final = "map-search-input"
MAP_SEARCH_RESULTS: Final = "map-search-results"

# Data page
DATA_FINDINGS_GRID: Final = "data-findings-grid"
DATA_SEVERITY_CHOICE: Final = "data-severity-choice"
DATA_DOWNLOAD_BUTTON: Final = "data-download-button"
DATA_DOWNLOAD: Final = "data-findings-download"

# Scorecard
SCORECARD_DOWNLOAD_BUTTON: Final = "scorecard-download-button"
# One of each an indicator, told apart by `index`.
SCORECARD_SUMMARY: Final = "scorecard-card-summary"
SCORECARD_BODY: Final = "scorecard-card-body"
SCORECARD_DOWNLOAD: Final = "scorecard-workbook-download"

# Warnings
WARNINGS_BOARD: Final = "warnings-board-box"
WARNINGS_FORM: Final = "warnings-form-box"
WARNINGS_SUBJECT: Final = "warnings-subject-store"
WARNINGS_OFFICE: Final = "warnings-office-choice"
WARNINGS_PIN: Final = "warnings-pin-input"
WARNINGS_TEXT: Final = "warnings-text-input"
WARNINGS_SAID: Final = "warnings-said-box"
# One of each a step, told apart by `index`.
WARNINGS_ACT: Final = "warnings-act-button"

# List of scenarios
SCENARIOS_LIST: Final = "scenarios-list-box"
SCENARIOS_FIND: Final = "scenarios-find-input"
SCENARIOS_BAR: Final = "scenarios-compare-box"
SCENARIOS_SAID: Final = "scenarios-said-box"
SCENARIOS_TICKED: Final = "scenarios-ticked-store"
SCENARIOS_CLOCK: Final = "scenarios-clock-interval"
# One of each a scenario, told apart by `index`.
SCENARIOS_TICK: Final = "scenarios-row-tick"
SCENARIOS_STATE: Final = "scenarios-row-state"
SCENARIOS_NAME: Final = "scenarios-name-input"
SCENARIOS_RENAME: Final = "scenarios-rename-button"
SCENARIOS_REPLAY: Final = "scenarios-replay-button"
SCENARIOS_CANCEL: Final = "scenarios-cancel-button"
SCENARIOS_DISCARD: Final = "scenarios-discard-button"

# Two scenarios side by side
COMPARE_BODY: Final = "compare-body-box"
COMPARE_A: Final = "compare-a-choice"
COMPARE_B: Final = "compare-b-choice"
COMPARE_CLOCK: Final = "compare-clock-interval"
# One of each side, told apart by `index`.
COMPARE_STATE: Final = "compare-side-state"
# The map component makes its ids from its prefix.
COMPARE_MAP_A: Final = "compare-a"
COMPARE_MAP_B: Final = "compare-b"

# Siting
SITING_STATE: Final = "siting-state-store"
# The map component makes its ids from its prefix.
SITING_CANVAS: Final = "siting-canvas"
SITING_VIEW: Final = "siting-canvas-view"
SITING_PICKED: Final = "siting-canvas-picked"
SITING_FRAME: Final = "siting-frame-store"
SITING_SIDE: Final = "siting-side-choice"
SITING_KIND: Final = "siting-kind-choice"
SITING_KINDS: Final = "siting-kinds-box"
SITING_KIND_NAMES: Final = "siting-kinds-store"
SITING_LEGEND: Final = "siting-legend-box"
SITING_HEADING: Final = "siting-heading-box"
SITING_FORM: Final = "siting-form-box"
# One of each a field, told apart by `index`.
SITING_FIELD: Final = "siting-form-field"
SITING_ASK: Final = "siting-ask-button"
SITING_SAID: Final = "siting-said-box"
SITING_MARKS: Final = "siting-marks-store"
SITING_HAND: Final = "siting-hand-store"
SITING_PLACED: Final = "siting-placed-store"
SITING_HINT: Final = "siting-hint-box"
SITING_TICK: Final = "siting-tick-interval"
SITING_DONE: Final = "siting-done-store"
SITING_JOB: Final = "siting-job-box"
SITING_CANCEL: Final = "siting-cancel-button"
SITING_TAB: Final = "siting-tab-choice"
SITING_PANES: Final = "siting-panes-box"
SITING_RESULT: Final = "siting-result-box"
SITING_MOVED: Final = "siting-moved-box"
SITING_MOVED_HEADING: Final = "siting-moved-heading"
SITING_KEEP: Final = "siting-keep-button"
SITING_GRID: Final = "siting-candidates-grid"
SITING_POOL: Final = "siting-candidates-store"
SITING_SEARCH: Final = "siting-search-input"
SITING_POOL_SAID: Final = "siting-candidates-box"
SITING_LOCK: Final = "siting-lock-button"
SITING_FORBID: Final = "siting-forbid-button"
SITING_FREE: Final = "siting-free-button"
SITING_HERE: Final = "siting-here-button"
SITING_ADD: Final = "siting-add-button"
SITING_NAME: Final = "siting-name-input"
SITING_NAMED: Final = "siting-named-box"
SITING_RENAME: Final = "siting-rename-button"
SITING_REPLAY: Final = "siting-replay-button"

# Wall
WALL_REQUEST: Final = "wall-request-store"
WALL_SNAPSHOT: Final = "wall-snapshot-store"
WALL_VIEWS: Final = "wall-views-store"
WALL_TAKEN: Final = "wall-taken-store"
WALL_PANELS: Final = "wall-panels-box"
