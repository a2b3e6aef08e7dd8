package main

import (
	"fmt"
	"os"
	"testing"

	"encoding/json"

	"github.com/chromedp/chromedp"
)

func (b *tab) full(name string, height int64) {
	b.do(chromedp.EmulateViewport(b.width, height))
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	b.do(chromedp.EmulateViewport(b.width, 860))
	b.must(err)
	b.must(os.WriteFile(fmt.Sprintf("/tmp/w/shots360/%s-%d.png", name, b.width), png, 0o644))
}

const seed = `(async () => {
 const call = async (m, p, body) => { const r = await fetch('/api/v1'+p, {method: m, headers: {'Content-Type':'application/json'}, body: JSON.stringify(body)}); const j = await r.json(); if (!r.ok) throw JSON.stringify(j); return j };
 const c = await call('POST', '/citizens', {kind:'person', name:{family:'Perrin', usage:'Lefèvre-Montesquieu', given:'Anne Marie', civility:'Mme'}, birth_date:'1961-03-04', contacts:[{type:'email', value:'anne.perrin.lefevre@exemple-tres-long.example.org', verified:true},{type:'phone', value:'06 39 98 00 41', label:'portable'}], addresses:[{street:'18 avenue Foch', complement:'Bâtiment B, 3e étage', postcode:'27999', city:'Valmont'}], refusals:['sms'], no_digital:true, preferred_channel:'letter'});
 const f = await call('POST', '/citizens', {kind:'family', name:{organisation:'Foyer Perrin'}});
 const l = await call('POST', '/citizens', {kind:'person', name:{given:'Léo', family:'Perrin'}, contacts:[{type:'phone', value:'06 39 98 00 42'}]});
 await call('POST', '/citizens/'+c.id+'/relations', {to:f.id, kind:'member', since:'2011-09-01'});
 await call('POST', '/citizens/'+c.id+'/relations', {to:l.id, kind:'guardian', since:'2015-02-01', until:'2020-01-01'});
 await call('POST', '/citizens/'+c.id+'/notes', {text:'Malentendante : parler lentement, ou écrire.'});
 const subjects = ['Lampadaire éteint devant le 18', 'Nid-de-poule avenue Foch', 'Lampadaire éteint devant le 18', 'Inscription cantine pour Léo', 'Lampadaires toujours éteints devant le 18'];
 let i = 0; let last;
 for (const s of subjects) for (const d of [0]) { last = await call('POST', '/tickets', {channel:['phone','counter','letter','phone','counter'][i%5], citizen_id:c.id, subject:s, text:'Bonjour, '+s+'. Cela fait plusieurs jours que personne ne passe et les enfants doivent traverser dans le noir pour rejoindre l’école ; merci de me dire quand une équipe viendra. '.repeat(3), department:['voirie','voirie','voirie','education','voirie'][i], answered: i==1}); i++ }
 await call('POST', '/tickets', {channel:'phone', citizen_id:c.id, subject:'Tapage', text:'Tapage', department:'police'});
 return c.id + ' ' + last.reference
})()`

func TestShots(t *testing.T) {
	site := startDemo(t)
	for n, width := range []int64{1440, 360} {
		b := openBrowser(t, site, readAxe(t), width, 860)
		b.signIn(demoAccounts()[n*3])
		got, err := chromedp.Run(b.ctx, chromedp.Evaluate[json.RawMessage](seed, chromedp.EvalAwaitPromise))
		b.must(err)
		var text, id, ref string
		b.must(json.Unmarshal(got, &text))
		fmt.Sscan(text, &id, &ref)
		b.open("/citizens/" + id)
		b.look()
		b.full("citizen", 1900+int64(n)*2200)
		b.do(chromedp.Click(chromedp.CSS(".timeline-filter > summary")), chromedp.Click(chromedp.CSS("#relate summary")), chromedp.Click(chromedp.CSS("#note summary")))
		b.full("citizen-open", 1900+int64(n)*2800)
		b.open("/tickets/" + ref)
		b.full("ticket", 1100+int64(n)*900)
		b.look()
		b.open("/citizens/" + id + "/edit")
		b.full("edit", 1900+int64(n)*2200)
		b.open("/citizens?q=perrin")
		b.full("list", 860)
		b.look()
		b.open("/citizens/" + id)
		b.do(chromedp.Click(chromedp.CSS("#relate summary")), chromedp.SendKeys(chromedp.CSS("#relate-to"), "perrin"), chromedp.Click(chromedp.CSS("#relate button")))
		b.until("which", "document.querySelector('.found')")
		b.look()
		b.full("which", 1700+int64(n)*2000)
	}
}
