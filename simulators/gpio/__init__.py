"""A simulated GPIO header: `board` is the simulator's side, `pins` the gpiozero pin factory that talks to it.

JSON lines over a Unix socket. The agent's side tells of its lines: `{"line", "function": "input", "pull", "ask"}`,
`{"line", "function": "output", "level", "at"}`, `{"line", "function": "free"}`. The board answers an input with
`{"line", "level", "at", "ask"}`, or `{"line", "busy"}` where another program has it, and tells of every later change
with `{"line", "level", "at"}`. Levels are electric (true is high; an output may be a duty cycle between 0 and 1), `at`
is seconds on the monotonic clock.
"""
