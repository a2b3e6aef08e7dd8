package twilio

import (
	"context"
	"time"

	"guichet/channels"
)

const (
	// fetchBudget leaves time to file what was fetched before Twilio gives up.
	fetchBudget = 8 * time.Second
	// maxWords is longer than any transcription of a voicemail.
	maxWords = 16 << 10
)

// recordingNews reads the callback of a recording and gets its sound. One in which nothing is heard is no news; one that can't be had
// is, with the reason: somebody has to call back all the same.
func (v *Voice) recordingNews(ctx context.Context, c call) (channels.CallNews, bool) {
	status := c.form.Get("RecordingStatus")
	if status == "in-progress" || status == "absent" {
		return channels.CallNews{}, false
	}
	n := c.at(channels.CallSaid)
	id, _ := clean(c.form.Get("RecordingSid"), maxSID)
	n.Recording = &channels.Spoken{
		ID:        id,
		Voicemail: c.query.Get("voicemail") == "1",
		Seconds:   int(c.length("RecordingDuration") / time.Second),
	}
	if !n.Recording.Voicemail {
		n.Recording.DeleteAt = n.At.Add(v.options.KeepRecordings)
	}
	if status == "failed" {
		n.Recording.Warning = "the provider could not record it"
		return n, true
	}
	v.fetch(ctx, n.Recording, c.form.Get("RecordingUrl"))
	return n, true
}

// fetch gets the sound of a recording.
func (v *Voice) fetch(ctx context.Context, s *channels.Spoken, address string) {
	if v.deps.Fetch == nil || address == "" {
		s.Warning = "the recording was not fetched; the provider has it under its identifier"
		return
	}
	ctx, cancel := context.WithTimeout(ctx, fetchBudget)
	defer cancel()
	audio, err := v.deps.Fetch(ctx, address+".mp3") // a tenth of the WAV it is without (docs/voice/api/recording)
	if err != nil {
		v.deps.Log.Warn("a recording was not fetched; the call is filed without it, the provider has it", "recording_id", s.ID, "err", err)
		s.Warning = "the recording could not be fetched; the provider has it under its identifier"
		return
	}
	if audio.Name == "" {
		audio.Name = s.ID + ".mp3"
	}
	s.Audio = audio
}

// transcriptionNews reads what a transcription understood; one that failed is no news.
func transcriptionNews(_ context.Context, c call) (channels.CallNews, bool) {
	n := c.at(channels.CallSaid)
	n.Words, _ = clean(c.form.Get("TranscriptionText"), maxWords)
	return n, n.Words != ""
}
