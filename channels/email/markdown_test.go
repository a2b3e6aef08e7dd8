package email

import (
	"strings"
	"testing"
	"time"
)

func TestFragment(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"plain lines", "Bonjour,\n\nligne 1\nligne 2\n", "<p>Bonjour,</p>\n<p>ligne 1<br>\nligne 2</p>\n"},
		{"ends of lines", "un\r\ndeux\rtrois", "<p>un<br>\ndeux<br>\ntrois</p>\n"},
		{"marks", "**gras**, *penché*, `code`", "<p><strong>gras</strong>, <em>penché</em>, <code>code</code></p>\n"},
		{"a list", "- a\n- b\n", "<ul>\n<li>a</li>\n<li>b</li>\n</ul>\n"},
		{"a list that goes on", "3. x\n4. y\n", "<ol start=\"3\">\n<li>x</li>\n<li>y</li>\n</ol>\n"},
		{"a quote", "> cité\n", "<blockquote>\n<p>cité</p>\n</blockquote>\n"},
		{"a heading", "# Titre\n", "<h1>Titre</h1>\n"},
		{"raw HTML", "a <b>c</b> <script>alert(1)</script> & <!-- d -->", "<p>a &lt;b&gt;c&lt;/b&gt; &lt;script&gt;alert(1)&lt;/script&gt; &amp; &lt;!-- d --&gt;</p>\n"},
		{"a block of HTML", "<div onclick=x>\n\n<iframe src=//x>", "<p>&lt;div onclick=x&gt;</p>\n<p>&lt;iframe src=//x&gt;</p>\n"},
		{"a line under a line is no heading", "Cordialement\n--\nNadia\n===", "<p>Cordialement<br>\n--<br>\nNadia<br>\n===</p>\n"},
		{"an indented line is no code", "A\n\n    rue <Foch>\n    27000 Valmont\n\nB", "<p>A</p>\n<p>rue &lt;Foch&gt;<br>\n27000 Valmont</p>\n<p>B</p>\n"},
		{"links", "[x](https://a.fr/?a=b&c=d) <https://b.fr> www.valmont.fr a@b.fr [t](tel:+33261910012)",
			`<p><a href="https://a.fr/?a=b&amp;c=d">x</a> <a href="https://b.fr">https://b.fr</a> <a href="http://www.valmont.fr">www.valmont.fr</a> ` +
				`<a href="mailto:a@b.fr">a@b.fr</a> <a href="tel:+33261910012">t</a></p>` + "\n"},
		{"links elsewhere", "[x](javascript:alert(1)) [y](data:text/html,x) [r](/rel) [f](ftp://x/y) [v](vbscript:x) [p](//x.fr)", "<p>x y r f v p</p>\n"},
		{"a picture", "![plan](https://x.fr/p.png)", "<p>plan</p>\n"},
		{"NUL", "a\x00b", "<p>ab</p>\n"},
		{"nothing", "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := fragment(c.text)
			if err != nil || strings.ReplaceAll(got, "\uFFFD", "") != c.want {
				t.Errorf("%q, %v, want %q", got, err, c.want)
			}
		})
	}
}

// TestFragmentPassesOurSanitiser compares what agents will see with what citizens get: nothing is missing but the addresses of links,
// which a mail of ours may have and which open elsewhere on our pages.
func TestFragmentPassesOurSanitiser(t *testing.T) {
	got, err := fragment("# a\n\n**b** *c* `d`\n\n1. e\n2. f\n\n> g\n\n---\n\n```\nh <i>\n```\n- j\n")
	if err != nil {
		t.Fatal(err)
	}
	if safe := SafeHTML(got); strings.ReplaceAll(safe, ` start="1"`, "") != got {
		t.Errorf("%q became %q", got, safe)
	}
}

// TestFragmentIsQuick takes texts that cost the reading of Markdown seconds or minutes.
func TestFragmentIsQuick(t *testing.T) {
	for name, text := range map[string]string{
		"quotes": strings.Repeat(">", 200_000), "stars": strings.Repeat("*a_ ", 50_000), "brackets": strings.Repeat("[a](", 50_000),
		"numbers": strings.Repeat("1) ", 60_000) + "x", "lists": strings.Repeat("- ", 100_000) + "x", "ticks": strings.Repeat("`` ` ", 40_000),
	} {
		begin := time.Now()
		got, err := fragment(text)
		if took := time.Since(begin); err != nil || took > 2*time.Second || len(got) < len(text)/2 {
			t.Errorf("%s: %d bytes of %d in %s, %v", name, len(got), len(text), took, err)
		}
	}
}

func TestDocumentIsItsOwn(t *testing.T) {
	got, err := Document("Bonjour\n\n- a\n\n![x](https://spy.example/p.png) <img src=https://spy.example/p.png>", `fr"><script>`)
	if err != nil {
		t.Fatal(err)
	}
	for _, never := range []string{"<script", "<img", "<link", "<style", "url(", "class=", "src=\""} {
		if strings.Contains(got, never) {
			t.Errorf("it holds %q: %s", never, got)
		}
	}
	for _, want := range []string{`<html lang="fr&#34;&gt;&lt;script&gt;">`, `<meta charset="utf-8">`, `<p style="margin`, `<ul style="margin`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
}

func BenchmarkDocument(b *testing.B) {
	text := "Bonjour,\n\nVotre message est bien arrivé à la mairie.\n\nReçu le : 24/11/2026\nRéférence : 2026-00412\n\n" +
		"Pour ajouter une précision, répondez simplement à ce message.\n\nEn cas de danger immédiat, appelez le 18 ou le 112.\n\nVille de Valmont\n"
	for b.Loop() {
		if _, err := Document(text, "fr"); err != nil {
			b.Fatal(err)
		}
	}
}
