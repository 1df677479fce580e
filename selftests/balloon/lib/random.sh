# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Random numbers that can be drawn again. Sourced by tests that replay a run with SEED.

SEED=${SEED:-$(($(date +%s) % 100000 + $$))}
# A case sets it to begin with.
seed=

# A number from 0 to below $1, in $random: no processes.
draw()
{
	seed=$(((seed * 1103515245 + 12345) % 2147483648))
	# shellcheck disable=SC2034	# the caller reads it
	random=$((seed / 64 % $1))
}
