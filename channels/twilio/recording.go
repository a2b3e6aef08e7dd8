package twilio

import (
	"context"
	"time"

	"guichet/channels"
)

// maxWords is longer than any transcription of a voicemail, in bytes.
const maxWords = 16 << 10

// recordingNews reads the callback of a recording; its sound is fetched once it is filed. One in which nothing is heard is no news; one
// that can't be had is, with the reason: somebody has to call back all the same.
func (v *Voice) recordingNews(_ context.Context, c call) (channels.CallNews, bool) {
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
	address := c.form.Get("RecordingUrl")
	if address == "" {
		n.Recording.Warning = "the provider did not say where the recording is; it has it under its identifier"
		return n, true
	}
	n.Recording.Audio = channels.Attachment{
		Name: n.Recording.ID + ".mp3", Type: "audio/mpeg", Source: address + ".mp3", // a tenth of the WAV it is without (docs/voice/api/recording)
	}
	return n, true
}

// transcriptionNews reads what a transcription understood; one that failed is no news.
func transcriptionNews(_ context.Context, c call) (channels.CallNews, bool) {
	n := c.at(channels.CallSaid)
	n.Words, _ = clean(c.form.Get("TranscriptionText"), maxWords)
	return n, n.Words != ""
}
