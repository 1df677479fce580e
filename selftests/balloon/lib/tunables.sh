# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=sh
# Every tunable of a device, and what it takes. Sourced by tests of tunables.

# In the folder balloon: name least most
TUNABLES="reserve_kib 0 1073741824
low_percent 0 90
deflate_batch 129 65536
deflate_limit_per_s 0 1073741824
holdoff_ms 0 300000
holdoff_max_ms 0 3600000
return_ms 100 300000
return_step 1 256"
# In the folder pressure, which stands for the beginning of the name.
PRESSURE="pressure_interval_ms 100 60000
pressure_ttl_ms 100 3600000
pressure_low_percent 0 100
pressure_medium_percent 0 100
pressure_critical_percent 0 100
pressure_limit_per_s 0 1073741824
pressure_self_interval_ms 100 300000
pressure_self_hysteresis 1 256
pressure_self_headroom 0 1000"

: "$TUNABLES $PRESSURE"
