#!/usr/bin/env bash
#  broken.sh - proves that the simulator's checkers bite: each patch in broken/ is one deliberate mistake in core/, and the
#  checker that its header names must find it, on its own, within some hundred seeds.
#
#      tests/sim/broken.sh [NAME ...]        all of them, or those named
#
#  It compiles in a temporary folder and changes nothing here. CC, CFLAGS and SEEDS may be set. Exit status: 0 when each
#  mistake is caught, and the build without a mistake by none.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
seeds=${SEEDS:-400}
cc=${CC:-cc}
read -r -a flags <<<"${CFLAGS:--O1}"
libs=(-lmsgpackc -lm -lpthread)
if command -v pkg-config >/dev/null && pkg-config --exists msgpack 2>/dev/null; then
    read -r -a libs <<<"$(pkg-config --libs msgpack) -lm -lpthread"
fi
work=$(mktemp -d "${TMPDIR:-/tmp}/cartwheel-broken.XXXXXX")
trap 'rm -rf "$work"' EXIT

sources=("$root"/tests/sim/*.c "$root"/messages/*.c "$root"/store/{map,memory_store,record,store}.c)

#  compile TREE OUT FILE ...: an object for each file, two at a time, with TREE on the include path.
compile () {
    local tree=$1 out=$2
    shift 2
    mkdir -p "$out"
    printf '%s\0' "$@" | xargs -0 -P "$(nproc)" -I{} sh -c '
        name=$(echo "$1" | tr "/" "_")
        exec '"$cc"' -std=c11 -D_GNU_SOURCE '"${flags[*]}"' -I "$2" -c "$1" -o "$3/${name%.c}.o"' _ {} "$tree" "$out"
}

#  link PROGRAM OBJECT ...
link () {
    local program=$1
    shift
    "$cc" "${flags[@]}" -o "$program" "$@" "${libs[@]}"
}

#  Each mistake lives in a copy of core/ that lies where core/ lies, beside links to the rest. plant TREE CORE.
plant () {
    local tree=$1
    rm -rf "$tree"
    mkdir -p "$tree"
    cp -r "$2" "$tree/core"
    ln -s "$root/messages" "$root/store" "$root/tests" "$tree/"
}

#  try NAME: one line about the mistake; fails when it is not caught.
try () {
    local name=$1 patch="$root/tests/sim/broken/$1.patch" tree="$work/tree" checker most output seed
    checker=$(sed -n 's/^checker: //p' "$patch")
    most=$(sed -n 's/^seeds: //p' "$patch") # of a mistake that takes long to show
    most=${most:-$seeds}
    plant "$tree" "$work/whole/core"
    if ! patch --directory="$tree" --strip=1 --silent --no-backup-if-mismatch <"$patch" >"$work/patch.log"; then
        echo "FAILED $name: the patch does not fit core/ any more"
        sed 's/^/    /' "$work/patch.log"
        return 1
    fi
    rm -rf "$work/mutant"
    mkdir -p "$work/mutant"
    local changed=() objects=()
    for file in "$tree"/core/*.c; do
        if cmp -s "$file" "$work/whole/core/${file##*/}"; then
            objects+=("$work/core/$(echo "$work/whole/core/${file##*/}" | tr / _ | sed 's/\.c$/.o/')")
        else
            changed+=("$file")
        fi
    done
    if ! compile "$tree" "$work/mutant" "${changed[@]}" ||
        ! link "$work/broken" "$work"/rest/*.o "${objects[@]}" "$work"/mutant/*.o; then
        echo "FAILED $name: it does not compile"
        return 1
    fi
    output=$("$work/broken" --seeds "$most" --stop --checker "$checker" 2>&1) || true
    seed=$(sed -n "s/^FAILED seed \([0-9]*\) checker $checker:.*/\1/p" <<<"$output" | head -n 1)
    if [ -z "$seed" ]; then
        echo "FAILED $name: $checker did not catch it in $most seeds"
        tail -n 3 <<<"$output" | sed 's/^/    /'
        return 1
    fi
    echo "caught $name by $checker at seed $seed"
}

plant "$work/whole" "$root/core"
compile "$root" "$work/rest" "${sources[@]}"
compile "$root" "$work/core" "$work"/whole/core/*.c
link "$work/sim" "$work"/rest/*.o "$work"/core/*.o

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in "$root"/tests/sim/broken/*.patch; do
        name=${patch##*/}
        names+=("${name%.patch}")
    done
    "$work/sim" --seeds 25 >"$work/log" || {
        cat "$work/log"
        echo "FAILED: the simulator is not content with core/ as it is"
        exit 1
    }
fi
missed=0
for name in "${names[@]}"; do
    try "$name" || missed=$((missed + 1))
done
echo "broken builds: ${#names[@]} tried, $missed not caught"
[ "$missed" -eq 0 ]
