package email

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
)

const label = "(historique)"

func TestFoldHTML(t *testing.T) {
	outlook := `<p><b>De :</b> Mairie &lt;m@v.fr&gt;<br><b>Envoyé :</b> mardi 3 mai<br><b>À :</b> X<br><b>Objet :</b> RE: eau</p>`
	cases := []struct{ name, subject, in, shown, hidden string }{
		{"nothing quoted", "", `<p>Bonjour</p>`, "Bonjour", ""},
		{"Gmail", "", `<div>Oui.</div><div class="gmail_quote"><div class="gmail_attr">Le 3 mai, X a écrit :</div><blockquote class="gmail_quote">question</blockquote></div>`, "Oui.", "question"},
		{"Gmail of today", "", `<div>Oui.</div><div class="gmail_quote gmail_quote_container"><blockquote>question</blockquote></div>`, "Oui.", "question"},
		{"Gmail, answered inside", "", `<div class="gmail_quote"><div class="gmail_attr">Le 3 mai, X a écrit :</div><blockquote>question</blockquote><div>réponse</div></div>`, "réponse", "question"},
		{"Gmail, forwarded", "", `<div>Voir.</div><div class="gmail_quote"><div class="gmail_attr">---------- Forwarded message ---------<br>De : X</div><blockquote type="cite">constat</blockquote></div>`, "constat", ""},
		{"Outlook on the web", "", `<div>Oui.</div><hr><div id="divRplyFwdMsg"><b>De :</b> X</div><div>question</div>`, "Oui.", "question"},
		{"Outlook on the web, kept by another", "", `<div>Oui.</div><div id="x_divRplyFwdMsg">De : X</div><div>question</div>`, "Oui.", "question"},
		{"Outlook, phone", "", `<div>Oui.</div><div id="appendonsend"></div><div>question</div>`, "Oui.", "question"},
		{"Outlook", "RE: eau", `<p>Oui.</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt;padding:3.0pt 0cm 0cm 0cm">` + outlook + `</div></div><p>question</p>`, "Oui.", "question"},
		{"Outlook, forwarded", "TR: eau", `<p>Voir.</p><div><div style="border:none;border-top:solid #E1E1E1 1.0pt">` + outlook + `</div></div><p>constat</p>`, "constat", ""},
		{"Apple Mail", "", `<div>Oui.</div><blockquote type="cite"><div>Le 3 mai 2026 à 10:00, X a écrit :</div><div>question</div></blockquote>`, "Oui.", "question"},
		{"Apple Mail, forwarded", "", `<div>Voir.<br><blockquote type="cite"><div>Début du message réexpédié :</div></blockquote></div>`, "Voir.", ""},
		{"Thunderbird", "", `<p>Oui.</p><div class="moz-cite-prefix">Le 03/05/2026 à 10:00, X a écrit :<br></div><blockquote type="cite">question</blockquote>`, "Oui.", "question"},
		{"Thunderbird, forwarded", "", `<p>Voir.</p><div class="moz-forward-container"><br>-------- Message transféré --------<blockquote type="cite">constat</blockquote></div>`, "constat", ""},
		{"Yahoo", "", `<div>Oui.</div><div id="yahoo_quoted_1" class="yahoo_quoted"><div>Le mardi, X a écrit :</div>question</div>`, "Oui.", "question"},
		{"webmail, French", "", `Oui.<br>Le 3 mai 2026 à 10:00, <a href="mailto:m@v.fr">m@v.fr</a> a écrit :<br><blockquote>question</blockquote>`, "Oui.", "question"},
		{"webmail, German", "", `<p>Ja.</p><p>Am 03.05.26 um 10:00 schrieb Rathaus:</p><blockquote>Frage</blockquote>`, "Ja.", "Frage"},
		{"webmail, Spanish", "", `<p>Sí.</p><p>El 3 may 2026, Ayuntamiento escribió:</p><blockquote>pregunta</blockquote>`, "Sí.", "pregunta"},
		{"webmail, English", "", `<p>Yes.</p><p>On Tue, 3 May 2026, Town wrote:</p><blockquote>question</blockquote>`, "Yes.", "question"},
		{"a quotation of the writer's", "", `<p>Il dit :</p><blockquote>jamais</blockquote>`, "jamais", ""},
		{"signature", "", `<p>Oui.</p><div class="gmail_signature">Jeanne, présidente</div>`, "Oui.", "présidente"},
		{"signature, Thunderbird", "", `<p>Oui.</p><pre class="moz-signature">-- Jeanne</pre>`, "Oui.", "Jeanne"},
		{"signature, Outlook", "", `<p>Oui.</p><div id="Signature">Jeanne</div>`, "Oui.", "Jeanne"},
		{"signature above the words", "", `<div class="gmail_signature">Jeanne</div><p>Oui.</p>`, "Jeanne", ""},
		{"signature above history", "", `<p>Oui.</p><div class="gmail_signature">Jeanne</div><blockquote type="cite">question</blockquote>`, "Oui.", "Jeanne"},
		{"telephone", "", `<div>Oui.</div><div>Envoyé de mon iPhone</div>`, "Oui.", "iPhone"},
		{"telephone, English, above history", "", `<p>Yes.</p><p>Sent from my iPad</p><blockquote type="cite">question</blockquote>`, "Yes.", "iPad"},
		{"telephone, German", "", `<p>Ja.</p><p>Von meinem iPhone gesendet</p>`, "Ja.", "iPhone"},
		{"telephone, Spanish", "", `<p>Sí.</p><p>Enviado desde mi iPhone</p>`, "Sí.", "iPhone"},
		{"telephone above the words", "", `<p>Envoyé depuis mon jardin</p><p>Oui.</p>`, "jardin", ""},
		{"Outlook, plain", "", `<p>Oui.</p>` + outlook + `<p>question</p>`, "Oui.", "question"},
		{"Outlook, plain, forwarded", "TR: eau", `<p>Voir.</p>` + outlook + `<p>constat</p>`, "constat", ""},
		{"Outlook, lines apart", "", `<p>Yes.</p><div>From: T</div><div>Sent: May 3</div><div>To: X</div><div>Subject: y</div><p>question</p>`, "Yes.", "question"},
		{"Outlook, German", "", `Ja.<br>Von: R<br>Gesendet: Montag<br>An: X<br>Betreff: y<br>Frage`, "Ja.", "Frage"},
		{"Outlook, Spanish", "", `<p>Sí.</p><p>De: A<br>Enviado: lunes<br>Para: X<br>Asunto: y</p><p>pregunta</p>`, "Sí.", "pregunta"},
		{"preformatted", "", "<pre>Oui.\n\nLe 3 mai 2026, Mairie a écrit :\n&gt; question\n</pre>", "Oui.", "question"},
		{"preformatted, words after", "", "<pre>Oui.\nLe 3 mai 2026, Mairie a écrit :\n&gt; question</pre><p>Merci.</p>", "Merci.", "question"},
		{"nothing else", "", `<blockquote type="cite">question</blockquote>`, "question", ""},
		{"a picture is something", "", `<img src="cid:p1"><blockquote type="cite">question</blockquote>`, "", "question"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			safe := SafeHTML(c.in)
			got := FoldHTML(safe, c.subject, label)
			shown, hidden := bothWords(t, got)
			if !strings.Contains(shown, c.shown) || c.hidden == "" && hidden != "" || !strings.Contains(hidden, c.hidden) || c.hidden != "" && strings.Contains(shown, c.hidden) {
				t.Errorf("shown %q, hidden %q of %s", shown, hidden, got)
			}
			if c.hidden == "" && got != safe {
				t.Errorf("changed without a fold: %s", got)
			}
		})
	}
}

// bothWords returns what is read with everything closed, and what the folds hide.
func bothWords(t *testing.T, markup string) (shown, hidden string) {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(markup))
	if err != nil {
		t.Skip(err)
	}
	var read func(n *html.Node, inside bool)
	read = func(n *html.Node, inside bool) {
		if n.Type == html.TextNode {
			if inside {
				hidden += n.Data
			} else {
				shown += n.Data
			}
		}
		for c := range n.ChildNodes() {
			if n.Data == "details" && c.Data == "summary" && c.FirstChild != nil && c.FirstChild.Data == label {
				continue
			}
			read(c, inside || n.Data == "details" && n.FirstChild.FirstChild != nil && n.FirstChild.FirstChild.Data == label)
		}
	}
	read(doc, false)
	return shown, hidden
}

func words(t *testing.T, markup string) string {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(strings.ReplaceAll(markup, "<summary>"+label+"</summary>", "")))
	if err != nil {
		t.Skip(err)
	}
	var out strings.Builder
	for n := range doc.Descendants() {
		if n.Type == html.TextNode {
			out.WriteString(n.Data)
		}
	}
	return strings.Join(strings.Fields(out.String()), "")
}

func FuzzFoldHTML(f *testing.F) {
	f.Add(`<div>Oui.</div><div class="gmail_quote">Le 3 mai, X a écrit :<blockquote>question</blockquote></div>`, "")
	f.Add(`<p>a<div id="divRplyFwdMsg">De : X</div><table><tr>x<td><blockquote type=cite>y`, "RE: x")
	f.Add(`a<b>Le 3 mai 2026, <a href="https://x.fr">x</a> a écrit :<blockquote>q</b>z`, "")
	f.Add(`<ul><li>a<div class="gmail_signature">b</div><pre class="moz-signature">

c</pre>`, "TR: x")
	f.Fuzz(func(t *testing.T, markup, subject string) {
		safe := SafeHTML(markup)
		if strings.Contains(safe, label) {
			t.Skip()
		}
		folded := FoldHTML(safe, subject, label)
		if before, after := words(t, safe), words(t, folded); before != after {
			t.Errorf("%q became %q\nof %s\nto %s", before, after, safe, folded)
		}
		if folded != safe {
			if shown, _ := bothWords(t, folded); strings.TrimSpace(shown) == "" && !strings.Contains(folded, "<img") {
				t.Errorf("nothing is left to see: %s", folded)
			}
		}
	})
}

func FuzzSafeHTML(f *testing.F) {
	f.Add(`<img src="https://x.fr/a.png" onerror=alert(1)><a href="javascript:x">y</a><svg onload=x><style>@import "//x"</style>`)
	f.Add(`<div style="border-top:solid url(https://x.fr) 1pt" class="gmail_quote x">a</div><img src="cid:a&quot; onload=&quot;x">`)
	f.Add(`<math><mtext><table><mglyph><style><img src=x onerror=y>`)
	f.Add(`<blockquote type="cite" cite="https://x.fr/"><iframe srcdoc="<script>x</script>">`)
	f.Fuzz(func(t *testing.T, markup string) {
		doc, err := html.Parse(strings.NewReader(FoldHTML(SafeHTML(markup), "", label)))
		if err != nil {
			t.Skip(err)
		}
		for n := range doc.Descendants() {
			switch n.Data {
			case "script", "style", "iframe", "object", "embed", "form", "input", "link", "meta", "base", "svg", "math", "video", "audio":
				if n.Type == html.ElementNode {
					t.Errorf("<%s> came through", n.Data)
				}
			}
			for _, a := range n.Attr {
				v := strings.ToLower(strings.TrimSpace(a.Val))
				switch {
				case strings.HasPrefix(a.Key, "on"), a.Key == "srcset", a.Key == "background", a.Key == "srcdoc":
					t.Errorf("attribute %s came through", a.Key)
				case a.Key == "src" && !strings.HasPrefix(v, "cid:"):
					t.Errorf("picture %q came through", a.Val)
				case a.Key == "href" && !strings.HasPrefix(v, "http") && !strings.HasPrefix(v, "mailto:") && !strings.HasPrefix(v, "tel:"):
					t.Errorf("link %q came through", a.Val)
				case a.Key == "style" && (strings.Contains(v, "url") || strings.Contains(v, "\\") || !strings.HasPrefix(v, "border-top")):
					t.Errorf("style %q came through", a.Val)
				}
			}
		}
	})
}
