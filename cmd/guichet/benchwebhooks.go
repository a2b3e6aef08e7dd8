package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"guichet/channels"
	"guichet/channels/twilio"
	"guichet/channels/twilio/twiliotest"
	"guichet/config"
	"guichet/ticketing/demo"
)

type benchWebhooks struct {
	Posts    int    `help:"Text messages posted as fast as they are taken." default:"4000"`
	Paced    int    `help:"Text messages then posted at 100 a second, to measure how long each takes." default:"1000"`
	Scale    int    `help:"Multiplies both." default:"1"`
	Clients  int    `help:"Posts under way at once." default:"16"`
	Database string `help:"sqlite, or postgres://… of an empty database." default:"sqlite"`
	Redis    string `help:"embedded, or redis://…" default:"embedded"`
	JSON     bool   `help:"One JSON object instead of lines."`
	Profile  string `help:"Write a CPU profile of the posts there." placeholder:"FILE"`
}

// webhookFigures is what the benchmark found.
type webhookFigures struct {
	Database  string  `json:"database"`
	Posts     int     `json:"posts"`
	PerSecond float64 `json:"posts_per_second"`
	CPUMillis float64 `json:"cpu_ms_per_post"` // this process, which also signs and posts
	BarePer   float64 `json:"bare_per_second"` // the same messages in bare inserts, each in a transaction of its own
	Ratio     float64 `json:"ratio"`           // PerSecond / BarePer
	Answered  waits   `json:"answer_ms"`       // at 100 a second
	Tickets   int     `json:"tickets"`
}

// benchNumber is the line the messages are sent to.
const benchNumber = "+33939000000"

// Run measures the way from a provider's signed post to a routed ticket.
func (b benchWebhooks) Run(w world) (err error) {
	b.Posts, b.Paced = b.Posts*b.Scale, b.Paced*b.Scale
	if b.Posts < 1 || b.Paced < 0 || b.Clients < 1 {
		return fmt.Errorf("--posts and --clients must be above zero (%w)", errUsage)
	}
	folder, err := os.MkdirTemp("", "guichet-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(folder)) }()
	ctx, cancel := context.WithTimeout(w.ctx, 30*time.Minute)
	defer cancel()
	c := config.Default()
	c.Database, c.Redis, c.Files = b.Database, b.Redis, filepath.Join(folder, "files")
	if b.Database == "sqlite" {
		c.Database = "sqlite://" + filepath.Join(folder, "guichet.db")
	}
	c.HTTP.Listen = "127.0.0.1:0"
	c.Twilio.AccountSID, c.Twilio.AuthToken, c.Twilio.APIBase = twiliotest.Account, twiliotest.Token, "http://127.0.0.1:9" // nobody: answers stay in the outbox
	c.Twilio.Lines = []twilio.Line{{Name: "sms", Number: benchNumber, Department: "accueil"}}
	if err := migrateFor(ctx, c); err != nil {
		return err
	}
	engine, _, _ := strings.Cut(b.Database, ":")
	figures := webhookFigures{Database: engine, Posts: b.Posts}
	if err := b.measure(ctx, c, &figures); err != nil {
		return err
	}
	if figures.BarePer, err = b.bare(ctx, c, folder); err != nil {
		return err
	}
	figures.Ratio = figures.PerSecond / figures.BarePer
	return b.print(w.stdout, figures)
}

// measure runs a hub and posts to it.
func (b benchWebhooks) measure(ctx context.Context, c config.Config, figures *webhookFigures) (err error) {
	h, err := openHub(ctx, c, newLog(os.Stderr, config.Log{Level: "error"}), hubOptions{senders: map[channels.Name]channels.Sender{}})
	if err != nil {
		return err
	}
	town, err := demo.Town()
	if err == nil {
		_, err = h.town.Import(ctx, town, false)
	}
	if err != nil {
		return errors.Join(err, h.close())
	}
	running, stop := context.WithCancel(ctx)
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- h.run(running, func(addr string) { ready <- addr }) }()
	defer func() { stop(); err = errors.Join(err, <-ended) }()
	var addr string
	select {
	case addr = <-ready:
	case err := <-ended:
		ended <- nil
		return err
	}
	p := &poster{url: "http://" + addr + "/webhooks/twilio/sms", client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: b.Clients}, Timeout: time.Minute}}
	endProfile, err := profile(b.Profile)
	if err != nil {
		return err
	}
	before, begin := cpuTime(), time.Now()
	if err := errors.Join(p.flood(ctx, b.Posts, b.Clients), endProfile()); err != nil {
		return err
	}
	figures.PerSecond = float64(b.Posts) / time.Since(begin).Seconds()
	figures.CPUMillis = perMail(cpuTime()-before, b.Posts)
	took, err := p.pace(ctx, b.Posts, b.Paced)
	if err != nil {
		return err
	}
	figures.Answered = percentiles(took)
	admin, _ := h.town.Now().AgentByEmail("admin@valmont.example")
	actor, _ := h.town.Now().Actor(admin.ID, false)
	counts, err := h.db.CountViews(ctx, actor.Scope(), admin.ID, now())
	for _, n := range counts.Queued {
		figures.Tickets += n
	}
	return err
}

// poster posts signed text messages, each of another citizen.
type poster struct {
	url    string
	client *http.Client
}

// flood posts so many messages, some at once.
func (p *poster) flood(ctx context.Context, posts, clients int) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var working sync.WaitGroup
	for range clients {
		working.Go(func() {
			for n := int(next.Add(1)); n <= posts && ctx.Err() == nil; n = int(next.Add(1)) {
				if err := p.post(ctx, n); err != nil {
					cancel(err)
				}
			}
		})
	}
	working.Wait()
	return context.Cause(ctx)
}

// pace posts messages 10 ms apart, whether those before were answered or not, and tells how long each took.
func (p *poster) pace(ctx context.Context, after, posts int) ([]time.Duration, error) {
	took, errs := make([]time.Duration, posts), make([]error, posts)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var working sync.WaitGroup
	for i := range posts {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		working.Go(func() {
			begin := time.Now()
			errs[i] = p.post(ctx, after+i+1)
			took[i] = time.Since(begin)
		})
	}
	working.Wait()
	return took, errors.Join(errs...)
}

func (p *poster) post(ctx context.Context, n int) error {
	form := benchText(n)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("X-Twilio-Signature", twiliotest.Sign(twiliotest.Token, p.url, form))
	answer, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }() // it has been read
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<10))
	if err == nil && answer.StatusCode != http.StatusOK {
		err = fmt.Errorf("message %d: the webhook answered %d %s", n, answer.StatusCode, bytes.TrimSpace(body))
	}
	return err
}

// benchText is the n-th message.
func benchText(n int) url.Values {
	words := []string{"gros trou avenue Foch devant le 18, danger pour les vélos", "lampadaire en panne rue Pasteur", "poubelle pas ramassée ce matin", "bonjour, horaires de la mairie ?"}
	sid := fmt.Sprintf("SM%032d", n)
	return url.Values{
		"MessageSid": {sid}, "SmsSid": {sid}, "AccountSid": {twiliotest.Account}, "From": {fmt.Sprintf("+336%08d", 10_000_000+n)}, "To": {benchNumber},
		"Body": {words[n%len(words)]}, "NumMedia": {"0"}, "FromCountry": {"FR"},
	}
}

// bare inserts the same messages by statements without any layer above the driver, each in its own transaction, one after the other.
func (b benchWebhooks) bare(ctx context.Context, c config.Config, folder string) (perSecond float64, err error) {
	limit, err := openBare(ctx, c.Database, folder, nil)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, limit.close(ctx)) }()
	begin := time.Now()
	for n := range b.Posts {
		form := benchText(n)
		in := channels.Inbound{
			Channel: channels.SMS, Key: form.Get("MessageSid"), ID: form.Get("MessageSid"), Raw: []byte(form.Encode()), Text: form.Get("Body"),
			From: channels.Address{Value: form.Get("From")}, At: now(),
		}
		if _, err := limit.Receive(ctx, []channels.Inbound{in}); err != nil {
			return 0, err
		}
	}
	return float64(b.Posts) / time.Since(begin).Seconds(), nil
}

func (b benchWebhooks) print(out io.Writer, f webhookFigures) error {
	if b.JSON {
		return json.NewEncoder(out).Encode(f)
	}
	_, err := fmt.Fprintf(out, `webhooks, %d text messages, %s
  %8.0f posts/s to routed tickets
  %8.0f /s in bare inserts: ratio %.2f
  %8.2f ms CPU per post, signing and posting included
  %8.1f ms until the answer at 100/s, p50; p95 %.1f, p99 %.1f
  %8d tickets wait in queues
`, f.Posts, f.Database, f.PerSecond, f.BarePer, f.Ratio, f.CPUMillis, f.Answered.P50, f.Answered.P95, f.Answered.P99, f.Tickets)
	return err
}
