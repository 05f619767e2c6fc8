#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
# run.sh [MODULE [COUNT [RATE [PARAMETER…]]]]: blinks the user LEDs of a BeagleBone Black and shows what is
# written to its GPIO registers for that. MODULE is the file kmscope_gpio.ko, built for this kernel (default:
# the module that is loaded, or installed); COUNT blinks, RATE a second (5 and 2). PARAMETERs are the
# module's: sim=1 does it on any machine, with a bank that is a model. kmscope is the one in PATH, or
# KMSCOPE. The driver of the LEDs is unbound meanwhile. Fails if not every write was seen.
set -eu

module=${1:-} count=${2:-5} rate=${3:-2}
[ $# -le 3 ] && set -- || shift 3
kmscope=${KMSCOPE:-kmscope}
leds=/sys/bus/platform/drivers/leds-gpio

die() {
	echo "beaglebone-led: $2" >&2
	exit "$1"
}

[ "$(id -u)" = 0 ] || die 3 "kernel modules and tracing need root: run it with sudo"
command -v "$kmscope" >/dev/null || die 1 "there is no $kmscope: set KMSCOPE to the program"
[ -e /proc/modules ] || die 3 "this kernel loads no modules"

loaded='' unbound='' tracer='' work=$(mktemp -d)
clean_up() {
	[ -z "$tracer" ] || kill $tracer 2>/dev/null || true
	# its traffic ends, and the pins are free
	[ -z "$loaded" ] || rmmod kmscope_gpio || true
	for device in $unbound; do echo "$device" >$leds/bind || true; done
	rm -rf "$work"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

if [ ! -e /proc/kmscope_gpio ]; then
	if [ -n "$module" ]; then
		insmod "$module" "$@" || die 1 "$module does not load here: dmesg says why"
	else
		modprobe kmscope_gpio "$@" || die 1 "give the file kmscope_gpio.ko as first argument"
	fi
	loaded=yes
fi
echo show >/proc/kmscope_gpio
case $(cat /proc/kmscope_gpio) in
*" sim=1 "*) ;;
*)
	# their driver has the pins: nobody else gets them
	for device in "$leds"/*leds*; do
		[ -L "$device" ] || continue
		unbound="$unbound ${device##*/}"
		echo "${device##*/}" >$leds/unbind
	done
	;;
esac

"$kmscope" mmio --quiet --trace --timeline --ready-file "$work/armed" >"$work/report" &
tracer=$!
while [ ! -e "$work/armed" ]; do
	kill -0 $tracer 2>/dev/null || die 1 "kmscope could not trace"
	sleep 0.1
done
echo reset >/proc/kmscope_gpio
echo "blink 21-24 $count $rate" >/proc/kmscope_gpio || die 1 "$(cat /proc/kmscope_gpio)"
echo wait >/proc/kmscope_gpio
echo show >/proc/kmscope_gpio
cat /proc/kmscope_gpio >"$work/made"
kill -TERM $tracer
wait $tracer
tracer=''
cat "$work/report"

# What the module says it wrote, and how many lines of the trace are such writes: others write meanwhile,
# too, to other registers or by other means than the command above and the module's thread.
made=$(sed -n 's/.* writes=\([0-9]*\).*/\1/p' "$work/made" | awk '{ n += $1 } END { print n }')
seen=$(grep -cE '^ *[0-9.]+ +write .* (OE|SETDATAOUT|CLEARDATAOUT) ' "$work/report" || true)
echo
echo "$made writes were made, $seen were seen."
[ "$made" = "$seen" ]
