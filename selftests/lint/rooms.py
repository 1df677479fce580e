# SPDX-License-Identifier: GPL-2.0-only
"""Which part of the driver may call which: dependencies run one way.

main -> the features -> pages, queue -> policy. The symbols of the objects tell,
so that neither a macro nor an extern declaration hides a call.
"""
import re

from area import Failure, fail_if

# What the compiler adds, and what tracepoints are made of (defined in main.c for all).
COMPILER = re.compile(r"__(fentry__|x86_\w*thunk\w*|stack_chk_\w+|sanitizer_\w+|ubsan_\w+|asan_\w+)$")
TRACE = re.compile(r"__(tracepoint|traceiter|SCT__tp_func|SCK__tp_func|probestub)_|trace_event_")
SHOWN = 12      # circles, the shortest first: longer ones go with them
# part: the parts that it may call
POLICY = {"policy", "policy_take", "policy_yield"}
ALLOWED = {**{part: POLICY for part in POLICY}, "account": set(), "alloc": set(),
           "pages": {"account", "alloc", *POLICY},
           "untold": {"account", "alloc", "pages", *POLICY}}


def graph(where, uses):
    """Return {part: {part that it calls: a symbol}}."""
    return {part: {where[symbol]: symbol for symbol in sorted(symbols)
                   if where.get(symbol, part) != part and not TRACE.match(symbol)}
            for part, symbols in uses.items()}


def policy_calls_nobody(where, uses):
    """The policy is pure: it uses no symbol of the kernel, nor of the rest of the driver."""
    if not POLICY <= set(uses):
        raise Failure(f"there is no {' or '.join(sorted(POLICY - set(uses)))}")
    fail_if(sorted(symbol for part in POLICY for symbol in uses[part]
                   if not COMPILER.match(symbol) and where.get(symbol) not in POLICY))


def rooms_keep_to_themselves(where, uses):
    """The page store never talks to the host."""
    calls = graph(where, uses)
    fail_if([f"{part} uses {symbol} of {other}" for part, allowed in ALLOWED.items()
             for other, symbol in calls.get(part, {}).items() if other not in allowed])


def nobody_calls_main(where, uses):
    """main.c is order and unwinding only."""
    fail_if([f"{part} uses {others['main']} of main"
             for part, others in graph(where, uses).items() if "main" in others])


def path(calls, start, end):
    """Return the shortest [start, ..., end] along the calls, or nothing."""
    paths, seen = [[start]], {start}
    for way in paths:
        if way[-1] == end:
            return way
        for other in sorted(set(calls.get(way[-1], ())) - seen):
            seen.add(other)
            paths.append([*way, other])
    return []


def dependencies_run_one_way(where, uses):
    """No part is called by what it calls: report the shortest circle through every call."""
    calls = graph(where, uses)
    circles = set()
    for part, others in calls.items():
        for other in others:
            way = path(calls, other, part)
            first = way.index(min(way)) if way else 0
            circles.add(tuple(way[first:] + way[:first]))
    circles.discard(())
    fail_if([" -> ".join([*(f"{part} ({calls[part][following]})" for part, following in
                            zip(circle, circle[1:] + circle[:1])), circle[0]])
             for circle in sorted(circles, key=lambda circle: (len(circle), circle))[:SHOWN]],
            "these call each other in a circle (in brackets: the symbol that is used):")


CASES = [policy_calls_nobody, rooms_keep_to_themselves, nobody_calls_main, dependencies_run_one_way]
