# SPDX-License-Identifier: GPL-2.0
# Reads what one test program printed as TAP; prints its line, the details of what failed, and for
# tests/run a last line «@ PASSED FAILED SKIPPED».
#	awk -v name=unit/test_x -v rc=EXITCODE -v limit=SECONDS -f tap.awk OUTPUT
# cmocka prints a plan for each group, and a skipped test as «not ok N # SKIP NAME», the reason in
# whatever the test printed before it. What a program prints before or after a failed test is shown.

function add(text) { details = details "     " text "\n" }
function trim(s) { gsub(/^[ \t#]+|[ \t]+$/, "", s); return s }

/^1\.\.[0-9]+/ {
	plans++
	planned += substr($1, 4)
	if ($1 == "1..0" && match(toupper($0), /# *SKIP/)) {
		skipped++
		add("skip: " trim(substr($0, RSTART + RLENGTH)))
	}
	before = said = ""
	after_failure = 0
	next
}

/^(not )?ok([ \t]|$)/ {
	ran++
	after_failure = 0
	if (match(toupper($0), /# *SKIP/)) {
		skipped++
		reason = trim(substr($0, RSTART + RLENGTH))
		test = trim(substr($0, 1, RSTART - 1))
		sub(/^(not )?ok *[0-9]* *(- *)?/, "", test)
		if (test != "")
			reason = test ": " reason
		if (said != "")
			reason = reason ": " said
		add("skip: " reason)
	} else if ($1 == "ok") {
		passed++
	} else {
		failed++
		add($0)
		if (before != "")
			details = details before
		after_failure = 1
	}
	before = said = ""
	next
}

/^# (not )?ok - / { after_failure = 0; next } # cmocka's end of a group

!/^#/ && NF { said = trim($0) }

after_failure { add($0); next }

NF { before = before "     " $0 "\n" }

END {
	if (rc == 124 || rc == 137)
		problem = "timed out after " limit " s or was killed"
	else if (rc > 128)
		problem = "killed by signal " (rc - 128)
	else if (NR == 0)
		problem = "printed nothing (exit code " rc ")"
	else if (!plans)
		problem = "no plan (exit code " rc ")"
	else if (ran != planned)
		problem = sprintf("planned %d tests, ran %d (exit code %d)", planned, ran, rc)
	else if (rc != 0 && !failed)
		problem = "exit code " rc " though no test failed"
	else if (planned == 0 && !skipped)
		problem = "no tests"
	if (problem != "") {
		failed++
		add(problem)
		details = details before
	}
	text = passed + 0 " passed"
	if (failed)
		text = text ", " failed " failed"
	if (skipped)
		text = text ", " skipped " skipped"
	printf "%s %-28s %s\n", failed ? "FAIL" : passed ? "ok  " : "skip", name, text
	printf "%s", details
	printf "@ %d %d %d\n", passed, failed, skipped
}
