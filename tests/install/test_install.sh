#!/usr/bin/env bash
# The package as others get it: installs a build, compiles examples/future.c against the installed headers and libraries
# (through pkg-config, and through find_package), runs it on a real clip, and runs the installed command.
# usage: test_install.sh BUILD_DIR SOURCE_DIR
set -euo pipefail
build=$1
source=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
fail() {
    echo "test_install: $*" >&2
    exit 1
}

DESTDIR= cmake --install "$build" --prefix "$folder/prefix" >"$folder/log" || { cat "$folder/log"; fail "install failed"; }
prefix=$folder/prefix
libdir=$(dirname "$(find "$prefix" -name prevue.pc)")/..
export PKG_CONFIG_PATH=$libdir/pkgconfig LD_LIBRARY_PATH=$libdir
# The .pc files name the configured prefix; --define-variable moves them as a packager would.
flags=$(pkg-config --define-variable=prefix="$prefix" --cflags --libs prevue prevue-clip)

# Only the exported functions are visible, and the SONAME carries the ABI number.
for library in prevue prevue-clip; do
    nm -D --defined-only "$libdir/lib$library.so" | awk '{print $3}' | grep -v '^pv_' && fail "lib$library exports more than pv_*"
    readelf -d "$libdir/lib$library.so" | grep -q "SONAME.*lib$library.so.[0-9]" || fail "lib$library has no SONAME"
done
readelf -d "$libdir/libprevue.so" | grep -E 'NEEDED.*(libav|libsw|cuda)' && fail "libprevue links FFmpeg or CUDA"

# The CUDA backend, where it was built: beside libprevue, one symbol, and a driver is all that a machine needs.
module=$libdir/libprevue-cuda.so
if [ -e "$build/host/model/libprevue-cuda.so" ]; then
    [ "$(nm -D --defined-only "$module" | awk '{print $3}')" = pv_module ] || fail "libprevue-cuda exports more than pv_module"
    readelf -d "$module" | grep -E 'NEEDED.*(cuda|stdc\+\+)' && fail "libprevue-cuda needs the toolkit"
    "$prefix/bin/prevue" info --devices | grep -A1 '^cuda$' | grep -q yes || fail "the installed command does not find libprevue-cuda"
fi

cat "$prefix"/share/prevue/models/nano.safetensors >/dev/null || fail "no model is installed"
# shellcheck disable=SC2086
cc -std=c11 -Wall -Wextra "$source/examples/future.c" $flags -o "$folder/future"
"$prefix/bin/prevue" world drop --seed 7 --size 128x128 --frames 14 --preset master -o "$folder/drop.mkv" --quiet
"$folder/future" "$prefix/share/prevue/models/nano.safetensors" "$folder/drop.mkv" "$folder/future.mp4"
frames=$(ffprobe -v error -count_frames -select_streams v -show_entries stream=nb_read_frames -of csv=p=0 "$folder/future.mp4")
[ "$frames" = 38 ] || fail "14 observed and 24 predicted frames expected, got $frames"

mkdir "$folder/consumer"
cat >"$folder/consumer/CMakeLists.txt" <<CMAKE
cmake_minimum_required(VERSION 3.25)
project(consumer C)
find_package(prevue 0.1 REQUIRED)
add_executable(future $source/examples/future.c)
target_link_libraries(future PRIVATE prevue::prevue prevue::prevue-clip)
CMAKE
cmake -S "$folder/consumer" -B "$folder/consumer/build" -DCMAKE_PREFIX_PATH="$prefix" >"$folder/log" 2>&1 &&
    cmake --build "$folder/consumer/build" >>"$folder/log" 2>&1 || { cat "$folder/log"; fail "find_package(prevue) does not work"; }

# The installed command finds the installed model.
(cd "$folder" && "$prefix/bin/prevue" predict drop.mkv -o next.mp4 --frames 3 --quiet) || fail "the installed command fails"
[ -s "$folder/next.mp4" ] || fail "the installed command wrote nothing"

# Moved, and told of no folder, it needs nothing of the build: neither libraries nor the recorded clips of eval.
mv "$prefix" "$folder/moved"
unset LD_LIBRARY_PATH
ldd "$folder/moved/bin/prevue" | grep -F "$build" && fail "the installed command loads libraries from the build folder"
for file in physics-square physics-wide; do
    cmp "$source/data/eval/$file.safetensors" "$folder/moved/share/prevue/eval/$file.safetensors" || fail "no $file is installed"
done
(cd "$folder" && moved/bin/prevue eval --suite physics --world drop -n 1 --long-clips 0 --quiet \
    --model "$source/tests/golden/plain.safetensors") >"$folder/eval" || fail "the installed 'eval' fails"
for range in "in range" "out of range"; do
    grep -q "^drop, $range, 1 clip" "$folder/eval" || fail "the installed 'eval' measures nothing $range"
done
echo "test_install: passed"
