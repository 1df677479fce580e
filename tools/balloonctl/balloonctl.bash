# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
# Completion for balloonctl; installed as
# /usr/share/bash-completion/completions/balloonctl.

# The options of a command, beside those that all of them take.
_balloonctl_options()
{
	case $1 in
	status) echo "--json --ascii" ;;
	watch) echo "--interval --count --replay --speed --ascii" ;;
	set|doctor) echo "--json" ;;
	why) echo "--json --ascii --count" ;;
	record) echo "--interval --count --output" ;;
	plot) echo "--text --ascii --output" ;;
	export) echo "--json --prometheus" ;;
	esac
}

# What a tunable may be set to.
_balloonctl_values()
{
	case $1 in
	auto_deflate) echo "off need thrash" ;;
	pressure_self) echo "off on" ;;
	esac
}

_balloonctl_complete()
{
	COMPREPLY=()
	while read -r word; do
		COMPREPLY+=("$word")
	done < <(compgen "$@")
}

_balloonctl()
{
	local word current=${COMP_WORDS[COMP_CWORD]} command="" key="" arguments=0 i
	local previous=${COMP_WORDS[COMP_CWORD - 1]}

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		--device|--interval|--count|--replay|--speed|--output|--root) i=$((i + 1)) ;;
		-*) ;;
		*)
			[ -n "$command" ] && arguments=$((arguments + 1)) && key=${COMP_WORDS[i]}
			command=${command:-${COMP_WORDS[i]}}
			;;
		esac
	done
	case $previous in
	--device)
		_balloonctl_complete -W "$(cd /sys/bus/virtio/devices 2>/dev/null && echo *)" -- "$current"
		return
		;;
	--replay|--output) _balloonctl_complete -f -- "$current"; return ;;
	--root) _balloonctl_complete -d -- "$current"; return ;;
	--interval|--count|--speed) COMPREPLY=(); return ;;
	esac
	if [[ $current = -* ]]; then
		_balloonctl_complete -W "--device --root --help --version $(_balloonctl_options "$command")" \
			-- "$current"
	elif [ -z "$command" ]; then
		_balloonctl_complete -W "status watch set why record plot export doctor" -- "$current"
	elif [ "$command" = plot ]; then
		_balloonctl_complete -f -- "$current"
	elif [ "$command" = set ] && [ $arguments -eq 0 ]; then
		_balloonctl_complete -W "auto_deflate reserve_kib low_percent deflate_batch \
			deflate_limit_per_s holdoff_ms holdoff_max_ms return_ms return_step \
			pressure_interval_ms pressure_ttl_ms pressure_low_percent \
			pressure_medium_percent pressure_critical_percent \
			pressure_limit_per_s pressure_self pressure_self_interval_ms \
			pressure_self_hysteresis pressure_self_headroom \
			host_timeout_ms" -- "$current"
	elif [ "$command" = set ] && [ $arguments -eq 1 ]; then
		_balloonctl_complete -W "$(_balloonctl_values "$key")" -- "$current"
	else
		COMPREPLY=()
	fi
}

complete -F _balloonctl balloonctl
