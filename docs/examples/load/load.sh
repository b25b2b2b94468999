#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An example of a module that is a program: tells when the machine is busy.
limit=${LIMIT:-8}
while read -r one _ </proc/loadavg; do
	[ "${one%.*}" -lt "$limit" ] ||
		printf '{"type": "load_high", "data": {"load": %s}, "severity": "medium"}\n' "$one"
	sleep "${EVERY:-60}"
done
