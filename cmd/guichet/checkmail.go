package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"guichet/channels/email"
	"guichet/config"
	"guichet/ticketing/store"
)

// shownMissing is how many missing mails a line of `guichet check --mail` names.
const shownMissing = 20

// countsOf compares each folder of each mailbox with what is stored of it, a line each.
func countsOf(c config.Config, db *store.DB) []oneCheck {
	var checks []oneCheck
	for _, m := range c.Mailboxes {
		for _, f := range m.EachFolder() {
			checks = append(checks, oneCheck{"mailbox " + m.Name + ", folder " + f.IMAP.Folder, func(ctx context.Context) (string, error) {
				return compare(ctx, db, f)
			}})
		}
	}
	return checks
}

// compare counts one folder on both sides. What is missing is named, with why where that is known.
func compare(ctx context.Context, db *store.DB, f email.Folder) (note string, err error) {
	n, err := email.CountMails(ctx, f, db)
	if err != nil {
		return "", err
	}
	quarantined, err := db.QuarantinedCopies(ctx, f.Place, n.UIDValidity)
	if err != nil {
		return "", err
	}
	note = fmt.Sprintf("server %d = stored %d", n.OnServer, n.Stored)
	if len(quarantined) > 0 {
		note += fmt.Sprintf(", %d of them in quarantine", len(quarantined))
	}
	if n.Waiting > 0 {
		note += fmt.Sprintf(", %d more not read yet", n.Waiting)
	}
	if len(n.Missing) == 0 {
		return note, nil
	}
	var names []string
	lost := 0
	for i, uid := range n.Missing {
		why := ""
		if slices.Contains(n.Gaps, uid) {
			why = " (the server did not give it, it is asked again)"
		} else {
			lost++
		}
		if i < shownMissing {
			names = append(names, fmt.Sprintf("%d%s", uid, why))
		}
	}
	if more := len(n.Missing) - shownMissing; more > 0 {
		names = append(names, fmt.Sprintf("and %d more", more))
	}
	todo := "serve fetches them again within a day; restart it to have it done now"
	if lost == 0 {
		todo = "nothing is to be done yet; after some tries they go to quarantine"
	}
	return "", fmt.Errorf("server %d, stored %d; missing UIDs %s; %s", n.OnServer, n.Stored, strings.Join(names, ", "), todo)
}
