package main

import (
	"context"
	"slices"

	"guichet/channels"
	"guichet/channels/cti"
	"guichet/channels/twilio"
	"guichet/ticketing"
)

// senders are what messages leave by: the mailboxes, and the provider of text messages when there is one.
func (h *hub) senders() map[channels.Name]channels.Sender {
	senders := map[channels.Name]channels.Sender{channels.Email: h.sender}
	if h.config.Twilio.Enabled() {
		senders[channels.SMS] = twilio.NewSender(h.config.Twilio, h.config.HTTP.PublicURL, nil)
	}
	return senders
}

// webhooks are what the town's exchanges and the provider of text messages and calls post to; none of those that are not configured.
func (h *hub) webhooks(switchboard *ticketing.Switchboard, metrics channels.Refusals) []channels.Mount {
	exchanges := cti.NewWebhook(h.config.CTI, cti.Deps{
		Switchboard: switchboard, Calls: switchboard, Refusals: metrics, Log: h.log, Now: now, Region: h.config.Town.Region,
	})
	o, public := h.config.Twilio, h.config.HTTP.PublicURL
	if !o.Enabled() {
		return exchanges.Mounts()
	}
	verifier := twilio.NewVerifier(o, public)
	sms := twilio.NewSMS(o, verifier, twilio.SMSDeps{
		Receiver: ticketing.NewGather(h.desk), Tracker: h.desk, Refusals: metrics, Log: h.log, Now: now, Region: h.config.Town.Region,
	})
	voice := twilio.NewVoice(o, verifier, twilio.VoiceDeps{
		Switchboard: switchboard, Calls: switchboard, Refusals: metrics, Log: h.log, Now: now,
		Region: h.config.Town.Region, PublicURL: public,
	})
	return slices.Concat(exchanges.Mounts(), sms.Mounts(), voice.Mounts())
}

// checkTwilio asks the provider for the account.
func checkTwilio(ctx context.Context, o twilio.Options, publicURL string) error {
	return twilio.NewSender(o, publicURL, nil).Check(ctx)
}
