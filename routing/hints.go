package routing

import (
	"context"
	"errors"

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
