# Counts single tests in Meson's testlog.txt: "PASSED FAILED SKIPPED" on the last line, before it what failed.
#
# A Criterion program ends in "Synthesis: Tested: N | Passing: N | Failing: N | Crashing: N", our scripts in
# "N passed, N failed[, N skipped]". A program that says neither counts as one test, and one that says all is well
# but ends badly as one more failure.

function close_program() {
    if (name == "")
        return
    if (result == "exit status 77")
        here_skipped = 1
    else if (result == "exit status 0" && !counted)
        here_passed = 1
    else if (result != "exit status 0" && here_failed == 0)
        here_failed = 1
    if (here_failed > 0)
        printf "--- %s: %s\n%s", name, result, text
    passed += here_passed
    failed += here_failed
    skipped += here_skipped
    name = ""
}

/^test: +/ {
    close_program()
    name = $0
    sub(/^test: +(.* \/ )?/, "", name)
    text = result = ""
    here_passed = here_failed = here_skipped = counted = lines = 0
    next
}

/^result: +/ && result == "" {
    sub(/^result: +/, "")
    result = $0
    next
}

/^(start time|duration|command): / || /^=====/ { next }

/^Summary of Failures:|^Ok: +[0-9]/ { close_program() }

/Synthesis: Tested: [0-9]/ {
    match($0, /Tested: [0-9]+/)
    tested = substr($0, RSTART + 8, RLENGTH - 8)
    match($0, /Passing: [0-9]+/)
    passing = substr($0, RSTART + 9, RLENGTH - 9)
    here_passed += passing
    here_failed += tested - passing
    counted = 1
}

/^[0-9]+ passed, [0-9]+ failed/ {
    here_passed += $1
    here_failed += $3
    here_skipped += $5
    counted = 1
}

name != "" && ++lines <= 200 { text = text $0 "\n" }

END {
    close_program()
    print passed + 0, failed + 0, skipped + 0
}
