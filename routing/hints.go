package routing

import (
	"context"
	"errors"
	"sync"

	"github.com/redis/go-redis/v9"
)

// The topics routing itself knows; the others are their senders' business.
const (
	// TopicWork says that what waits or is taken has changed in the source.
	TopicWork = "work"
	// TopicAll is heard, never sent: hints may have been missed, so whatever one watches may have changed.
	TopicAll = "*"
)

// Publish tells every process that shares this Redis that something changed. A hint carries no content and may get lost: it only
// makes them look earlier than they would have.
func (r *Router) Publish(ctx context.Context, topic string) error {
	return wrap("publish a hint", r.client.Publish(ctx, keyHints, topic).Err())
}

// Subscribe calls hear for every hint, its own process's included, until ctx ends, which is not an error. It connects again by
// itself; each time it has, the first time included, hear gets TopicAll. hear must not block.
func (r *Router) Subscribe(ctx context.Context, hear func(topic string)) error {
	subscription := r.client.Subscribe(ctx, keyHints)
	defer func() { _ = subscription.Close() }()
	messages := subscription.ChannelWithSubscriptions()
	for {
		select {
		case <-ctx.Done():
			return nil
		case message, ok := <-messages:
			if !ok {
				return errors.New("routing: subscribe to hints: the router is closed")
			}
			switch message := message.(type) {
			case *redis.Subscription:
				hear(TopicAll)
			case *redis.Message:
				hear(message.Payload)
			}
		}
	}
}

// Wake gives a channel that tells of hints of a topic, and of hints that may have been missed; several at once are one. It listens until
// ctx ends, and ended returns when it has. Should it have to stop before, whoever is woken goes on by looking from time to time.
func (r *Router) Wake(ctx context.Context, topic string) (hint <-chan struct{}, ended func()) {
	wake := make(chan struct{}, 1)
	var listening sync.WaitGroup
	listening.Go(func() {
		err := r.Subscribe(ctx, func(heard string) {
			if heard != topic && heard != TopicAll {
				return
			}
			select {
			case wake <- struct{}{}:
			default:
			}
		})
		if err != nil && ctx.Err() == nil {
			r.log.Warn("no more hints; what they tell of is looked for from time to time", "topic", topic, "error", err)
		}
	})
	return wake, listening.Wait
}
