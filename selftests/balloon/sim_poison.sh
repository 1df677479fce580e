#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Page poison: the driver tells what free pages hold, and refuses what that forbids.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

cmdline_has()	# option
{
	grep -qw "$1" /proc/cmdline
}

# What free pages hold in this guest: a pattern, nothing known, or zeros.
if cmdline_has init_on_free=1; then
	FREE_PAGES=zeros
elif cmdline_has page_poison=1; then
	FREE_PAGES=pattern
else
	FREE_PAGES=anything
fi

# Only a guest that cares for the content of free pages takes the feature.
told()
{
	sim_new "$F_PAGE_POISON"
	wait_for 10 bound || fail "no driver"
	case $FREE_PAGES in
	zeros)
		check "PAGE_POISON is taken" sim_negotiated "$F_PAGE_POISON"
		check_eq "poison_val" $(($(sim_get poison_val))) 0
		;;
	pattern)
		check "PAGE_POISON is taken" sim_negotiated "$F_PAGE_POISON"
		check_eq "poison_val" $(($(sim_get poison_val))) $((0xaaaaaaaa))
		;;
	anything)
		! sim_negotiated "$F_PAGE_POISON" || fail "PAGE_POISON is taken for nothing"
		;;
	esac
	sim_resize 5000
	sim_resize 0
	sim_del
	no_violations
}

# The config space ends where the features say; poison_val may lie beyond it.
short_config()
{
	for features in 0 "$F_FREE_PAGE_HINT" "$F_PAGE_POISON" \
		$((F_FREE_PAGE_HINT | F_PAGE_POISON)) "$F_REPORTING"; do
		sim_new "$features"
		wait_for 10 bound || fail "no driver for features $features"
		length=8
		[ $((features & F_FREE_PAGE_HINT)) = 0 ] || length=12
		[ $((features & F_PAGE_POISON)) = 0 ] || length=16
		check_eq "length of the config space" "$(sim_get config_len)" "$length"
		sim_resize 900
		sim_resize 0
		sim_del
	done
	no_violations
}

# A device that does not know the content of free pages must not get them.
reporting_refused()
{
	sim_new "$F_REPORTING"
	wait_for 10 bound || fail "no driver"
	if [ "$FREE_PAGES" = anything ]; then
		check "REPORTING is taken" sim_negotiated "$F_REPORTING"
	else
		! sim_negotiated "$F_REPORTING" || fail "REPORTING is taken without PAGE_POISON"
	fi
	sim_resize 5000
	sim_del
	no_violations
}

# The device fills what it was told is free with the value that it was told. A
# guest that poisons checks its free pages, and says so in the log.
value_is_honoured()
{
	[ "$FREE_PAGES" != anything ] || {
		skip "free pages may hold anything; boot with page_poison=1 or init_on_free=1"
		return
	}
	sim_new $((F_PAGE_POISON | F_REPORTING)) overwrite=1
	wait_for 10 bound || fail "no driver"
	check "REPORTING is taken" sim_negotiated "$F_REPORTING"
	# small, since a guest that checks every word of every page is slow
	"$PATTERN" take 50
	wait_for 15 sim_over reported_pages 2000 || fail "nothing is reported"
	"$PATTERN" take 100 || fail "wrong words"
	! dmesg | grep 'pagealloc: ' || fail "the guest found its free pages changed"
	sim_resize 5000
	sim_resize 0
	"$PATTERN" take 50
	! dmesg | grep 'pagealloc: ' || fail "the guest found its free pages changed"
	sim_del
	no_violations
}

sim_setup
note "free pages hold $FREE_PAGES"
ktap_plan 5
ktap_case told told
ktap_case short_config short_config
ktap_case reporting_refused reporting_refused
ktap_case value_is_honoured value_is_honoured
ktap_case kernel_is_well kernel_is_well
ktap_end
