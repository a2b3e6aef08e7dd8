package agentapi

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"guichet/channels"
	"guichet/ticketing"
)

// Metrics counts what Guichet does. It is made before the services, because they count with it: it is their Stats.
type Metrics struct {
	registry  *prometheus.Registry
	received  *prometheus.CounterVec
	attempted *prometheus.CounterVec
	refused   *prometheus.CounterVec
	requests  *prometheus.HistogramVec
}

// NewMetrics makes counters of its own; nothing is shared with other parts of the process.
func NewMetrics() *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		received: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "guichet_received_total", Help: "Messages and contacts that came in, by what became of them.",
		}, []string{"channel", "result"}),
		attempted: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "guichet_delivery_attempts_total", Help: "Tries to send a message, by how they ended.",
		}, []string{"channel", "outcome"}),
		refused: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "guichet_webhook_refused_total", Help: "Posts of providers and exchanges that were not taken, by why.",
		}, []string{"adapter", "reason"}),
		requests: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "guichet_http_request_seconds", Help: "How long requests took, by route pattern.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10},
		}, []string{"route", "method", "status"}),
	}
	m.registry.MustRegister(m.received, m.attempted, m.refused, m.requests, collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// Received implements ticketing.Stats.
func (m *Metrics) Received(channel, result string, n int) {
	m.received.WithLabelValues(channel, result).Add(float64(n))
}

// Attempted counts a try to send, for the outbox.
func (m *Metrics) Attempted(channel, outcome string) {
	m.attempted.WithLabelValues(channel, outcome).Inc()
}

// Refused implements channels.Refusals.
func (m *Metrics) Refused(adapter, reason string) { m.refused.WithLabelValues(adapter, reason).Inc() }

// observe measures one request. A stream that stayed open for hours says nothing about speed.
func (m *Metrics) observe(route, method string, status int, took time.Duration) {
	if route == apiPath("/events") || route == "/live" {
		return
	}
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
	default: // whatever a client makes up must not become a label
		method = "other"
	}
	m.requests.WithLabelValues(route, method, strconv.Itoa(status/100)+"xx").Observe(took.Seconds())
}

func (m *Metrics) handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError})
}

// metrics shows the metrics to an administrator, in the demo to every agent.
func (s *Server) metrics(c *gin.Context, a ticketing.Actor) error {
	if !a.Has(ticketing.RoleAdmin) && !s.MetricsForAgents {
		return &ticketing.Error{Code: ticketing.CodeForbidden, Reason: "metrics"}
	}
	s.Metrics.handler().ServeHTTP(c.Writer, c.Request)
	return nil
}

// watch adds what is read at each scrape.
func (m *Metrics) watch(s *Server) error { return m.registry.Register(newGauges(s)) }

// gauges reads the state of queues, outbox and lines at each scrape. Sealed and hidden departments are in none of it.
type gauges struct {
	s                             *Server
	build, streams                *prometheus.Desc
	waiting, oldest               *prometheus.Desc
	outbox, overdue               *prometheus.Desc
	lineUp, lineContact, linePend *prometheus.Desc
	boxAlarm, boxContact          *prometheus.Desc
	boxServer, boxStored, boxMiss *prometheus.Desc
}

func newGauges(s *Server) *gauges {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("guichet_"+name, help, labels, nil)
	}
	return &gauges{
		s:           s,
		build:       desc("build_info", "Always 1.", "version"),
		streams:     desc("streams", "Open live streams."),
		waiting:     desc("queue_waiting", "Tickets that wait for an agent, in open departments.", "department"),
		oldest:      desc("queue_oldest_seconds", "How long the oldest of them has waited.", "department"),
		outbox:      desc("outbox", "Messages on their way out, by state.", "state"),
		overdue:     desc("outbox_oldest_due_seconds", "How long the longest overdue message has been due."),
		lineUp:      desc("line_up", "1 while a mailbox or line works.", "line"),
		lineContact: desc("line_last_contact_seconds", "Since the other side of a line last answered.", "line"),
		linePend:    desc("line_pending", "Messages the server holds that are not filed yet.", "line"),
		boxAlarm:    desc("mailbox_alarm", "1 while an alarm of a mailbox's folder lasts.", "mailbox", "folder", "kind"),
		boxContact:  desc("mailbox_lag_seconds", "Since the server of a mailbox's folder last answered.", "mailbox", "folder"),
		boxServer:   desc("mailbox_server_count", "Messages the server holds in the folder.", "mailbox", "folder"),
		boxStored:   desc("mailbox_stored_count", "Of these, kept here.", "mailbox", "folder"),
		boxMiss:     desc("mailbox_missing_count", "Of these, not found here at the last comparison.", "mailbox", "folder"),
	}
}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		g.build, g.streams, g.waiting, g.oldest, g.outbox, g.overdue, g.lineUp, g.lineContact, g.linePend,
		g.boxAlarm, g.boxContact, g.boxServer, g.boxStored, g.boxMiss,
	} {
		ch <- d
	}
}

// Collect implements prometheus.Collector. What does not answer in time is left out, and said in the log.
func (g *gauges) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	send := func(d *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	send(g.build, 1, g.s.Version)
	send(g.streams, float64(g.s.live.count()))
	for what, read := range map[string]func(context.Context, func(*prometheus.Desc, float64, ...string)) error{
		"queues": g.queues, "outbox": g.deliveries, "lines": g.lines,
	} {
		if err := read(ctx, send); err != nil {
			g.s.Log.Warn("metrics are incomplete", "missing", what, "error", err)
		}
	}
}

func (g *gauges) queues(ctx context.Context, send func(*prometheus.Desc, float64, ...string)) error {
	depths, err := g.s.Router.Depths(ctx)
	if err != nil {
		return err
	}
	for _, d := range g.s.Town.Now().Departments {
		if d.Visibility != ticketing.Open {
			continue
		}
		depth, age := depths[d.Code], 0.0
		if depth.Waiting > 0 {
			age = max(0, g.s.Now().Sub(depth.OldestSince).Seconds())
		}
		send(g.waiting, float64(depth.Waiting), d.Code)
		send(g.oldest, age, d.Code)
	}
	return nil
}

func (g *gauges) deliveries(ctx context.Context, send func(*prometheus.Desc, float64, ...string)) error {
	f, err := g.s.Store.OutboxFigures(ctx)
	if err != nil {
		return err
	}
	for _, state := range []ticketing.DeliveryState{
		ticketing.DeliveryQueued, ticketing.DeliverySending, ticketing.DeliveryFailed, ticketing.DeliveryParked,
	} {
		send(g.outbox, float64(f.ByState[state]), string(state))
	}
	age := 0.0
	if f.OldestDue != nil {
		age = max(0, g.s.Now().Sub(*f.OldestDue).Seconds())
	}
	send(g.overdue, age)
	return nil
}

func (g *gauges) lines(ctx context.Context, send func(*prometheus.Desc, float64, ...string)) error {
	lines, err := g.s.Reader.Lines(ctx)
	if err != nil {
		return err
	}
	town := g.s.Town.Now()
	for _, l := range lines {
		if d, known := town.Department(l.Line.Department); !known || d.Visibility != ticketing.Open || len(l.Folders) == 0 {
			continue
		}
		up := 0.0
		if l.Health.State == channels.Working {
			up = 1
		}
		send(g.lineUp, up, l.Line.Name)
		send(g.linePend, float64(l.Health.Pending), l.Line.Name)
		if at := l.Health.LastContact; at != nil {
			send(g.lineContact, max(0, g.s.Now().Sub(*at).Seconds()), l.Line.Name)
		}
		for _, f := range l.Folders {
			g.folder(f, send)
		}
	}
	return nil
}

func (g *gauges) folder(f channels.Health, send func(*prometheus.Desc, float64, ...string)) {
	for _, kind := range channels.Alarms() {
		on := 0.0
		if f.Alarm == kind {
			on = 1
		}
		send(g.boxAlarm, on, f.Line, f.Folder, string(kind))
	}
	send(g.boxServer, float64(f.ServerCount), f.Line, f.Folder)
	send(g.boxStored, float64(f.StoredCount), f.Line, f.Folder)
	send(g.boxMiss, float64(f.MissingCount), f.Line, f.Folder)
	if f.LastContact != nil {
		send(g.boxContact, max(0, g.s.Now().Sub(*f.LastContact).Seconds()), f.Line, f.Folder)
	}
}
