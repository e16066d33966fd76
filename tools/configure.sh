#!/bin/sh
# configure.sh DIR [MESON-OPTION...] - makes the Meson build directory DIR, or brings the one that is
# there to these options.  An option that is not named keeps its value, so that `make demo` after
# `make test` rebuilds nothing.
set -eu
dir=$1
shift
if [ ! -f "$dir/build.ninja" ]; then
	meson setup "$dir" "$@"
elif [ $# -gt 0 ]; then
	meson configure "$dir" "$@"
fi
