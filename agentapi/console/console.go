// Package console is what agents and supervisors see: pages rendered on the server, in French and English, that work without
// JavaScript and become live with it. One file per page; templates, assets and locales are embedded and read once.
package console

import (
	"log/slog"
	"net/http"

	"github.com/gin-gonic/gin"

	"guichet/agentapi/auth"
	"guichet/ticketing"
)

// Parts is what a Console is made of.
type Parts struct {
	Desk        *ticketing.Desk
	Registry    *ticketing.Registry
	Reader      *ticketing.Reader
	Quarantine  *ticketing.Quarantine
	Switchboard *ticketing.Switchboard
	Ledger      *ticketing.Ledger
	Town        *ticketing.Town
	Guard       *auth.Guard
	Now         ticketing.Clock
	Log         *slog.Logger
	SafeHTML    func(html string) string // makes a citizen's HTML safe to show in a sandboxed frame

	// FoldHTML puts history and signatures of safe HTML into closed details elements labelled summary.
	FoldHTML func(safe, subject, summary string) string
	// RemotePictures counts the pictures of a citizen's HTML that SafeHTML leaves out because they lie elsewhere.
	RemotePictures func(html string) int
}

// Console is the pages. It keeps nothing between requests.
type Console struct {
	desk        *ticketing.Desk
	registry    *ticketing.Registry
	reader      *ticketing.Reader
	quarantine  *ticketing.Quarantine
	switchboard *ticketing.Switchboard
	ledger      *ticketing.Ledger
	town        *ticketing.Town
	guard       *auth.Guard
	now         ticketing.Clock
	log         *slog.Logger
	safeHTML    func(string) string
	foldHTML    func(safe, subject, summary string) string
	remote      func(html string) int
	assets      *assets
	voices      map[string]*voice // by language
}

// Route is a page or an action. The error it returns is for agentapi to show, through ErrorPage.
type Route struct {
	Method string
	Path   string
	Public bool // reachable without being signed in
	Handle func(*gin.Context) error
}

// New reads the templates, the locales and the assets.
func New(p Parts) (*Console, error) {
	c := &Console{
		desk: p.Desk, registry: p.Registry, reader: p.Reader, quarantine: p.Quarantine, ledger: p.Ledger, switchboard: p.Switchboard, town: p.Town, guard: p.Guard, now: p.Now, log: p.Log, safeHTML: p.SafeHTML,
		foldHTML: p.FoldHTML, remote: p.RemotePictures,
	}
	var err error
	if c.assets, err = loadAssets(); err != nil {
		return nil, err
	}
	c.voices, err = c.loadVoices()
	return c, err
}

// Routes lists every page and action. Unsafe methods are protected against other sites by agentapi (Fetch-Metadata, Origin).
func (c *Console) Routes() []Route {
	get, post := http.MethodGet, http.MethodPost
	return []Route{
		{get, "/login", true, c.loginPage},
		{post, "/login", true, c.signIn},
		{post, "/logout", false, c.signOut},
		{get, "/", false, c.signedIn(c.workPage)},
		{get, "/tickets", false, c.signedIn(c.ticketsPage)},
		{get, "/tickets/:ref", false, c.signedIn(c.ticketPage)},
		{post, "/queue/next", false, c.signedIn(c.takeNext)},
		{post, "/tickets/:ref/claim", false, c.signedIn(c.claim)},
		{post, "/tickets/:ref/release", false, c.signedIn(c.release)},
		{post, ReplyPath, false, c.signedIn(c.reply)},
		{get, "/tickets/:ref/receipt", false, c.signedIn(c.receiptPage)},
		{post, "/tickets/:ref/note", false, c.signedIn(c.note)},
		{post, "/tickets/:ref/transfer", false, c.signedIn(c.transfer)},
		{post, "/tickets/:ref/assign", false, c.signedIn(c.assign)},
		{post, "/tickets/:ref/close", false, c.signedIn(c.closeTicket)},
		{post, "/tickets/:ref/reopen", false, c.signedIn(c.reopen)},
		{post, "/tickets/:ref/merge", false, c.signedIn(c.merge)},
		{post, "/tickets/:ref/tags", false, c.signedIn(c.setTags)},
		{post, "/tickets/:ref/snooze", false, c.signedIn(c.snooze)},
		{get, "/tickets/:ref/split", false, c.signedIn(c.splitPage)},
		{post, "/tickets/:ref/split", false, c.signedIn(c.splitTicket)},
		{get, "/admin/quarantine", false, c.signedIn(c.quarantinePage)},
		{get, "/admin/quarantine/:id", false, c.signedIn(c.heldPage)},
		{post, "/admin/quarantine/:id/retry", false, c.signedIn(c.retryHeld)},
		{post, "/admin/quarantine/:id/file", false, c.signedIn(c.fileHeld)},
		{get, "/messages/:id/view", false, c.signedIn(c.messageView)},
		{post, "/messages/:id/resend", false, c.signedIn(c.resend)},
		{get, ContactPath, false, c.signedIn(c.contactPage)},
		{post, ContactPath, false, c.signedIn(c.logContact)},
		{get, callsPath, false, c.signedIn(c.callsPage)},
		{get, "/admin/channels", false, c.signedIn(c.channelsPage)},

		{get, "/citizens", false, c.signedIn(c.citizensPage)},
		{get, "/citizens/new", false, c.signedIn(c.newRecordPage)},
		{post, "/citizens/new", false, c.signedIn(c.makeRecord)},
		{get, "/citizens/:id", false, c.signedIn(c.citizenPage)},
		{get, "/citizens/:id/edit", false, c.signedIn(c.editRecordPage)},
		{post, "/citizens/:id/edit", false, c.signedIn(c.saveRecord)},
		{post, "/citizens/:id/relations", false, c.signedIn(c.relate)},
		{post, "/citizens/:id/notes", false, c.signedIn(c.noteRecord)},
		{post, "/relations/:id/end", false, c.signedIn(c.part)},
		{post, "/citizens/:id/distinct", false, c.signedIn(c.tellApart)},
		{get, "/citizens/:id/merge", false, c.signedIn(c.joinPage)},
		{post, "/citizens/:id/merge", false, c.signedIn(c.join)},
		{get, "/citizens/:id/merges", false, c.signedIn(c.mergesPage)},
		{post, "/merges/:id/undo", false, c.signedIn(c.undoMerge)},
		{get, ledgerPath, false, c.signedIn(c.ledgerPage)},
		{get, "/reserved/:token", false, c.signedIn(c.reservedPage)},
		{post, "/reserved/:token", false, c.signedIn(c.breakGlass)},
	}
}

// AssetsPath is where Assets is to be mounted, for GET and HEAD and without signing in.
const AssetsPath = "/assets/"

// Assets serves the style sheet, the modules and the pictures.
func (c *Console) Assets() http.Handler { return c.assets }
