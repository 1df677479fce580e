#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# Every combination of the six standard features: the queues get the right numbers,
# and the driver does its work with what it was offered.
cd "$(dirname "$0")" || exit 1
# shellcheck source=lib/ktap.sh
. ./lib/ktap.sh
# shellcheck source=lib/balloonsim.sh
. ./lib/balloonsim.sh

NAMES="must_tell_host stats_vq deflate_on_oom free_page_hint page_poison reporting"

# The names of the features in a mask, for people.
words()
{
	bit=0
	for word in $NAMES; do
		[ $(($1 >> bit & 1)) = 0 ] || printf '%s ' "$word"
		bit=$((bit + 1))
	done
}

# A driver may refuse page poison and with it reporting, as the guest's memory
# is or is not poisoned. All else it must take.
features_taken()	# offered
{
	always=$((F_MUST_TELL_HOST | F_STATS_VQ | F_DEFLATE_ON_OOM | F_FREE_PAGE_HINT))
	check_eq "features taken of $1" $(($(sim_get negotiated) & always)) $(($1 & always))
	check_eq "features taken but not offered" \
		$(($(sim_get negotiated) & 0x3f & ~$1)) 0
}

# Numbers are dense over the queues that the device has.
queues_set_up()
{
	sim_show queues | {
		bad=0
		while read -r number role name _; do
			case $role in
			inflate | deflate) want=1 ;;
			stats) sim_negotiated "$F_STATS_VQ"; want=$((!$?)) ;;
			hint) sim_negotiated "$F_FREE_PAGE_HINT"; want=$((!$?)) ;;
			report) sim_negotiated "$F_REPORTING"; want=$((!$?)) ;;
			esac
			[ "$name" = - ] && got=0 || got=1
			[ "$got" = "$want" ] || {
				note "queue $number ($role) is named $name"
				bad=1
			}
		done
		[ "$bad" = 0 ]
	} || fail "queues do not fit the features"
}

one_combination()	# features
{
	sim_new "$1"
	wait_for 10 bound || {
		fail "no driver for features $1: $(words "$1")"
		sim_del
		return
	}
	features_taken "$1"
	queues_set_up
	sim_resize 700
	sim_resize 3
	if sim_negotiated "$F_STATS_VQ"; then
		seen=$(sim_get stats_buffers)
		sim_set stats_ask 1
		wait_for 10 sim_over stats_buffers "$seen" || fail "no statistics"
		check_ge "statistics" "$(sim_show stats | wc -l)" 10
	fi
	[ -z "$case_failed" ] || note "features $1: $(words "$1")"
	driver_unbind || fail "unbind failed"
	check_eq "pages held after unbind" "$(sim_get held)" 0
	sim_del
	no_violations
}

# Sixteen combinations make one case, so that a slow machine shows progress.
combinations()	# bits that are set in all of them
{
	low=0
	while [ "$low" -lt 16 ]; do
		one_combination $(($1 | low))
		[ -z "$case_failed" ] || return
		low=$((low + 1))
	done
	driver_reload || fail "driver does not unload"
}

# Rings without the frills, and with them.
ring_feature()	# feature bits of the transport
{
	sim_new $(($1 | F_STATS_VQ)) ring="$2"
	wait_for 10 bound || fail "no driver"
	sim_resize 5000
	sim_resize 0
	sim_del
	no_violations
}

unknown_features()
{
	sim_new 0x40ffffc0
	wait_for 10 bound || fail "no driver"
	check_eq "unknown features taken" $(($(sim_get negotiated) & 0xffffc0)) 0
	sim_resize 300
	sim_del
	no_violations
}

# A device that insists on something gets no driver, and no harm is done.
unmet_demand()
{
	sim_new 0x200000000 require=0x200000000
	sleep 0.5
	! bound || fail "a driver took a device that demands the IOMMU"
	check_eq "status has DRIVER_OK" $(($(sim_get status) & 4)) 0
	sim_del
	no_violations
}

sim_setup
ktap_plan 10
ktap_case without_poison_and_reporting combinations 0
ktap_case with_poison combinations $((F_PAGE_POISON))
ktap_case with_reporting combinations $((F_REPORTING))
ktap_case with_poison_and_reporting combinations $((F_PAGE_POISON | F_REPORTING))
ktap_case event_index ring_feature 0x20000000 128
ktap_case indirect_descriptors ring_feature 0x10000000 128
ktap_case small_ring ring_feature 0 8
ktap_case unknown_features unknown_features
ktap_case unmet_demand unmet_demand
ktap_case kernel_is_well kernel_is_well
ktap_end
