package twilio

import (
	"context"
	"errors"
	"strings"
	"testing"

	"guichet/channels"
)

// fetching has recordings fetched by this.
func fetching(f func(context.Context, string) (channels.Attachment, error)) func(*Options, *VoiceDeps) {
	return func(_ *Options, d *VoiceDeps) { d.Fetch = f }
}

const recordingURL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1"

func TestVoicemailIsFetched(t *testing.T) {
	x := newExchange(t, openDay(), fetching(func(ctx context.Context, url string) (channels.Attachment, error) {
		if _, bounded := ctx.Deadline(); !bounded || url != recordingURL+".mp3" {
			return channels.Attachment{}, errors.New("asked for " + url)
		}
		return channels.Attachment{Type: "audio/mpeg", Data: []byte("sound")}, nil
	}))
	mail := x.post("/callback?choice=1")
	record, _ := mail.find("Record")
	x.post(record.attr("recordingStatusCallback"),
		"RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingUrl", recordingURL, "RecordingDuration", "12")
	news := x.calls.take()
	if len(news) != 1 || news[0].Step != channels.CallSaid || news[0].ID != "CA1" || news[0].Recording == nil {
		t.Fatalf("told %+v", news)
	}
	r := news[0].Recording
	if !r.Voicemail || r.ID != "RE1" || r.Seconds != 12 || r.Warning != "" || string(r.Audio.Data) != "sound" || r.Audio.Name != "RE1.mp3" {
		t.Errorf("recording %+v", r)
	}

	x.post(record.attr("transcribeCallback"), "TranscriptionText", " Le lampadaire est cassé. ", "TranscriptionStatus", "completed", "RecordingSid", "RE1")
	if news := x.calls.take(); len(news) != 1 || news[0].Step != channels.CallSaid || news[0].Words != "Le lampadaire est cassé." || news[0].Recording != nil {
		t.Errorf("told %+v", news)
	}
}

func TestRecordingThatCanNotBeHad(t *testing.T) {
	cases := map[string]struct {
		change func(*Options, *VoiceDeps)
		status string
		url    string
		told   bool
	}{
		"no fetcher":     {func(*Options, *VoiceDeps) {}, "completed", recordingURL, true},
		"no address":     {fetching(failedFetch), "completed", "", true},
		"provider down":  {fetching(failedFetch), "completed", recordingURL, true},
		"not recorded":   {fetching(failedFetch), "failed", "", true},
		"no status":      {fetching(failedFetch), "", recordingURL, true},
		"nothing heard":  {fetching(failedFetch), "absent", "", false},
		"still recorded": {fetching(failedFetch), "in-progress", recordingURL, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			x := newExchange(t, openDay(), c.change)
			x.post("/recording", "RecordingStatus", c.status, "RecordingSid", "RE1", "RecordingUrl", c.url, "RecordingDuration", "-3")
			news := x.calls.take()
			if !c.told {
				if len(news) != 0 {
					t.Errorf("told %+v", news)
				}
				return
			}
			if len(news) != 1 {
				t.Fatalf("told %+v", news)
			}
			if r := news[0].Recording; r.Warning == "" || r.Voicemail || r.ID != "RE1" || r.Seconds != 0 || len(r.Audio.Data) != 0 || strings.Contains(r.Warning, "http") {
				t.Errorf("recording %+v", r)
			}
		})
	}
}

func failedFetch(context.Context, string) (channels.Attachment, error) {
	return channels.Attachment{}, errors.New("503")
}

func TestTranscriptions(t *testing.T) {
	x := newExchange(t, openDay())
	for text, want := range map[string]string{
		"": "", "  ": "", "a\x00b\xff": "ab\uFFFD", strings.Repeat("é", maxWords/2+9): strings.Repeat("é", maxWords/2), "x" + strings.Repeat("é", maxWords/2): "x" + strings.Repeat("é", maxWords/2-1),
	} {
		x.post("/transcription", "TranscriptionText", text)
		news := x.calls.take()
		if want == "" && len(news) != 0 || want != "" && (len(news) != 1 || news[0].Words != want) {
			t.Errorf("%d bytes told as %d news", len(text), len(news))
		}
	}
}
