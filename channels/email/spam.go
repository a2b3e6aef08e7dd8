package email

import (
	"strconv"
	"strings"
)

// minSCL is the spam confidence level from which Exchange puts a mail into the junk folder.
const minSCL = 5

// spamVerdict is what the receiving server's filter wrote into the header when it took the mail for unwanted, empty when it did not:
// SpamAssassin, rspamd and Exchange. A sender can write such a field herself, so it is a tag and never a reason to drop anything.
func spamVerdict(h head) string {
	for _, name := range []string{"X-Spam-Flag", "X-Spam", "X-Spam-Status"} {
		if h.word(name) == "yes" {
			return strings.ToLower(name) + ": yes"
		}
	}
	switch strings.ToLower(oneLine(h.get("X-Rspamd-Action"))) {
	case "add header", "rewrite subject", "reject":
		return "x-rspamd-action"
	}
	if scl, ok := confidence(h.get("X-MS-Exchange-Organization-SCL")); ok && scl >= minSCL {
		return "scl " + strconv.Itoa(scl)
	}
	for _, name := range []string{"X-Forefront-Antispam-Report", "X-Microsoft-Antispam"} {
		for item := range strings.SplitSeq(h.get(name), ";") {
			key, value, _ := strings.Cut(strings.TrimSpace(item), ":")
			if scl, ok := confidence(value); strings.EqualFold(key, "SCL") && ok && scl >= minSCL {
				return "scl " + strconv.Itoa(scl)
			}
		}
	}
	return ""
}

// confidence reads a level of Exchange, -1 to 9.
func confidence(s string) (int, bool) {
	n, err := strconv.Atoi(strings.TrimSpace(s))
	return n, err == nil && n <= 9
}
