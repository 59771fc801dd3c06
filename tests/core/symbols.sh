#!/usr/bin/env bash
#  symbols.sh - proves that core/ and messages/ are pure: what their objects ask of the outside is on a list.
#
#  A role may have no clock, file, socket, thread, environment or randomness of its own, or the simulator would not run
#  what the node runs. The linker knows best what code calls, so this reads the undefined symbols of the libraries
#  and holds them against symbols.allow. It also refuses variables that can change: what is shared is a message.
#  Symbols that a compiler adds (stack protector, sanitizers, coverage) are passed over by name.
set -euo pipefail
export LC_ALL=C
here=$(cd "$(dirname "$0")" && pwd)
build=${CARTWHEEL_BUILD:-$PWD}
work=$(mktemp -d "${TMPDIR:-/tmp}/cartwheel-symbols.XXXXXX")
trap 'rm -rf "$work"' EXIT
failed=0

added_by_compilers='^(__stack_chk_fail|_GLOBAL_OFFSET_TABLE_|__[a-z]+_chk|__gcov_.*|__llvm_.*|__(asan|ubsan|tsan|sanitizer|lsan|sancov)_.*)$'

# The lines of one section of symbols.allow, as an extended regular expression; a * stands for any ending.
s_allowed () {
    sed -n "/^\[$1\]/,/^\[/p" "$here/symbols.allow" | sed -e '/^\[/d' -e 's/#.*//' |
        tr -s ' \t' '\n\n' | sed -e '/^$/d' -e 's/\*$/.*/' | paste -sd '|'
}

# What the archives given need from outside themselves.
s_needed () {
    nm --format=posix "$@" | awk '$2 == "U" || $2 == "w" { need[$1] = 1 } $2 ~ /^[A-TV-Zi]$/ { have[$1] = 1 }
        END { for (name in need) if (!(name in have)) print name }' | sort
}

# Names from standard input that the section does not allow; $2 is a file of names that are allowed besides.
s_refused () {
    grep -Ev "$added_by_compilers" | grep -Evx "$(s_allowed "$1")" | grep -Fvx -f "$2" || true
}

s_prove () {
    local name=$1 besides=$2 library=$build/.libs/lib$1.a refused
    [ -f "$library" ] || library=$build/lib$name.a
    if [ ! -f "$library" ]; then
        echo "FAIL: $name: no library in $build; run make first"
        failed=1
        return
    fi
    refused=$(s_needed "$library" | s_refused "$name" "$besides")
    if [ -n "$refused" ]; then
        echo "FAIL: $name/ may not call:"
        while read -r symbol; do
            echo "  $symbol, in $(nm --print-file-name --undefined-only "$library" |
                awk -F '[: ]' -v symbol="$symbol" '$NF == symbol { print $2 }' | sort -u | paste -sd ' ')"
        done <<<"$refused"
        failed=1
    else
        echo "PASS: $name/ calls only what symbols.allow names ($(s_needed "$library" | wc -l) symbols)"
    fi
}

s_prove_constant () {
    local library=$build/.libs/lib$1.a changing
    [ -f "$library" ] || library=$build/lib$1.a
    [ -f "$library" ] || return 0
    if [ -n "$(nm "$library" | grep -E ' __(asan|tsan|gcov|llvm|ubsan|sancov)' || true)" ]; then
        return 0 # instrumentation keeps variables of its own
    fi
    changing=$(objdump -t "$library" | awk '$0 ~ / O (\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ && $0 !~ /\.data\.rel\.ro/ { print "  " $NF }')
    if [ -n "$changing" ]; then
        printf 'FAIL: %s/ has variables that can change:\n%s\n' "$1" "$changing"
        failed=1
    else
        echo "PASS: $1/ has no variable that can change"
    fi
}

# The proof must be able to fail: names that a role must never call are put in front of it.
s_prove_the_proof () {
    local name
    for name in zmq_send zmsg_new db_create pthread_create clock_gettime time open read socket getenv rand getrandom printf usleep bdb_open; do
        if [ -z "$(echo "$name" | s_refused core /dev/null)" ]; then
            echo "FAIL: symbols.allow lets core/ call $name"
            failed=1
        fi
    done
    [ "$(printf 'memcpy\nclock_gettime\n__stack_chk_fail\n' | s_refused core /dev/null)" = clock_gettime ] ||
        { echo "FAIL: the check itself is broken"; failed=1; }
    [ "$failed" -ne 0 ] || echo "PASS: the check refuses what it must"
}

: >"$work/none"
nm --format=posix --defined-only "$build/.libs/libmessages.a" 2>/dev/null | awk '$2 == "T" || $2 == "D" || $2 == "R" || $2 == "B" { print $1 }' \
    >"$work/messages" || true
s_prove messages "$work/none"
s_prove core "$work/messages"
for library in messages core store actors; do
    s_prove_constant "$library"
done
s_prove_the_proof
exit "$failed"
