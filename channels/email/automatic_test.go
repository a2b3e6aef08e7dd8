package email

import "testing"

func TestAutomatic(t *testing.T) {
	cases := []struct{ name, header, automatic, silent string }{
		{"a person", "From: a@b.fr", "", ""},
		{"auto-submitted", "From: a@b.fr\nAuto-Submitted: auto-replied (vacation)", "auto-submitted", ""},
		{"auto-submitted no", "From: a@b.fr\nAuto-Submitted: no", "", ""},
		{"null return path", "From: a@b.fr\nReturn-Path: <>", "bounce", ""},
		{"return path", "From: a@b.fr\nReturn-Path: <a@b.fr>", "", ""},
		{"report", "From: a@b.fr\nContent-Type: multipart/report; boundary=x", "bounce", ""},
		{"delivery status alone", "From: a@b.fr\nContent-Type: message/delivery-status", "bounce", ""},
		{"mailer-daemon", "From: MAILER-DAEMON@b.fr", "bounce", ""},
		{"postmaster", "From: Postmaster <postmaster@b.fr>", "bounce", ""},
		{"bulk", "From: a@b.fr\nPrecedence: bulk", "precedence bulk", ""},
		{"auto_reply", "From: a@b.fr\nX-Precedence: auto_reply", "precedence auto_reply", ""},
		{"autoreply", "From: a@b.fr\nX-Autoreply: yes", "x-autoreply", ""},
		{"loop", "From: a@b.fr\nX-Loop: a@b.fr", "x-loop", ""},
		{"failed recipients", "From: a@b.fr\nX-Failed-Recipients: c@d.fr", "bounce", ""},
		{"our own", "From: mairie@valmont.example\nX-Guichet: auto", "our own automatic mail", ""},
		{"list", "From: a@b.fr\nList-Id: <l.b.fr>", "", "mailing list"},
		{"unsubscribe", "From: a@b.fr\nList-Unsubscribe: <mailto:x@b.fr>", "", "mailing list"},
		{"precedence list", "From: a@b.fr\nPrecedence: list", "", "mailing list"},
		{"no-reply", "From: No-Reply@b.fr", "", "no-reply sender"},
		{"ne pas répondre", "From: ne_pas_repondre@b.fr", "", "no-reply sender"},
		{"suppress", "From: a@b.fr\nX-Auto-Response-Suppress: DR, OOF, AutoReply", "", "automatic answers unwanted"},
		{"suppress receipts only", "From: a@b.fr\nX-Auto-Response-Suppress: DR, RN", "", ""},
		{"nobody", "Subject: x", "", "no address to answer"},
		{"ourselves", "From: Mairie@valmont.example", "", "from this mailbox itself"},
		{"form", "From: formulaire@valmont.example\nReply-To: a@b.fr\nAuto-Submitted: auto-generated\nPrecedence: bulk", "", ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			in := parse(t, crlf(c.header+"\n\nbonjour"))
			if in.Automatic != c.automatic || in.Silent != c.silent {
				t.Errorf("automatic %q, silent %q", in.Automatic, in.Silent)
			}
		})
	}
}
