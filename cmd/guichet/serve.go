package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"
)

type serveCommand struct{}

// Run runs a hub until it is told to stop.
func (serveCommand) Run(w world) error {
	c, err := w.loadConfig()
	if err != nil {
		return err
	}
	log := newLog(w.stderr, c.Log)
	h, err := openHub(w.ctx, c, log, hubOptions{})
	if err != nil {
		return err
	}
	return h.run(w.ctx, func(string) {
		log.Info("ready", "url", c.HTTP.PublicURL, "database", h.db.Engine(), "mailboxes", len(c.Mailboxes))
	})
}

// run starts everything that lives long, calls ready with the address once pages are served, and returns when ctx has ended and all
// of it has stopped, or when a part has failed for good.
func (h *hub) run(ctx context.Context, ready func(addr string)) (err error) {
	defer func() { err = errors.Join(err, h.close()) }()
	pages, err := listen(ctx, h.config.HTTP.Listen)
	if err != nil {
		return err
	}
	var metrics net.Listener
	if addr := h.config.HTTP.MetricsListen; addr != "" {
		if metrics, err = listen(ctx, addr); err != nil {
			return errors.Join(err, pages.Close())
		}
	}
	parts, ctx := errgroup.WithContext(ctx)
	parts.Go(func() error { return h.router.Run(ctx, h.db) })
	parts.Go(func() error { return h.town.Run(ctx) })
	parts.Go(func() error { return h.journal.Run(ctx) })
	parts.Go(func() error { return h.indexer.Run(ctx) })
	parts.Go(func() error { return h.dispatcher.Run(ctx) })
	if h.fetching != nil {
		parts.Go(func() error { return h.fetching.Run(ctx) })
	}
	parts.Go(func() error { return h.ledger.Run(ctx, h.owner) })
	parts.Go(func() error { return h.sweep(ctx) })
	parts.Go(func() error { return h.sweepFiles(ctx) })
	for _, p := range h.pullers {
		parts.Go(func() error { return p.Run(ctx) })
	}
	parts.Go(func() error { return serveHTTP(ctx, pages, h.server.Handler()) })
	if metrics != nil {
		parts.Go(func() error { return serveHTTP(ctx, metrics, h.server.MetricsHandler()) })
	}
	debug.FreeOSMemory() // what starting took and waiting does not need: a hub is idle most of its life
	ready(pages.Addr().String())
	err = parts.Wait()
	h.log.Info("stopped")
	return err
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w; choose another http.listen or stop what uses it", addr, err)
	}
	return l, nil
}

// stopWithin is how long requests under way may take to finish when the hub stops.
const stopWithin = 1500 * time.Millisecond

// serveHTTP serves until ctx ends. Live streams end with the journal, other requests are finished.
func serveHTTP(ctx context.Context, l net.Listener, handler http.Handler) error {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 30 * time.Second, WriteTimeout: 60 * time.Second,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopWithin)
	defer cancel()
	if err := server.Shutdown(stop); err != nil {
		return server.Close()
	}
	return nil
}

// sweep removes once an hour what has had its time: sessions, remembered requests, files handed in and not sent.
func (h *hub) sweep(ctx context.Context) error {
	tick := time.NewTicker(time.Hour)
	defer tick.Stop()
	for {
		if err := h.db.DeleteExpired(ctx, now()); err != nil && ctx.Err() == nil {
			h.log.Warn("what has expired could not be removed; it will be tried in an hour", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// sweepFiles removes once a day the files that no row names and that are older than a day: what was handed in and not sent, what came
// with a mail whose filing failed for good. It begins when the hub has found its pace.
func (h *hub) sweepFiles(ctx context.Context) error {
	next := time.NewTimer(10 * time.Minute)
	defer next.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		removed, err := h.files.Sweep(ctx, now().Add(-24*time.Hour), h.db.NamedFiles)
		if err != nil && ctx.Err() == nil {
			h.log.Warn("files that nothing names could not all be removed; it will be tried tomorrow", "error", err)
		}
		h.log.Info("files swept", "removed", removed)
		next.Reset(24 * time.Hour)
	}
}
