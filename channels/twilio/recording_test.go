package twilio

import (
	"strings"
	"testing"

	"guichet/channels"
)

const recordingURL = "https://api.twilio.com/2010-04-01/Accounts/AC1/Recordings/RE1"

func TestVoicemailIsToldWithWhereItIs(t *testing.T) {
	x := newExchange(t, openDay())
	mail := x.post("/callback?choice=1")
	record, _ := mail.find("Record")
	x.post(record.attr("recordingStatusCallback"),
		"RecordingStatus", "completed", "RecordingSid", "RE1", "RecordingUrl", recordingURL, "RecordingDuration", "12")
	news := x.calls.take()
	if len(news) != 1 || news[0].Step != channels.CallSaid || news[0].ID != "CA1" || news[0].Recording == nil {
		t.Fatalf("told %+v", news)
	}
	r := news[0].Recording
	if !r.Voicemail || r.ID != "RE1" || r.Seconds != 12 || r.Warning != "" || r.Audio.Source != recordingURL+".mp3" || r.Audio.Name != "RE1.mp3" || r.Audio.Type != "audio/mpeg" {
		t.Errorf("recording %+v", r)
	}

	x.post(record.attr("transcribeCallback"), "TranscriptionText", " Le lampadaire est cassé. ", "TranscriptionStatus", "completed", "RecordingSid", "RE1")
	if news := x.calls.take(); len(news) != 1 || news[0].Step != channels.CallSaid || news[0].Words != "Le lampadaire est cassé." || news[0].Recording != nil {
		t.Errorf("told %+v", news)
	}
}

func TestRecordingThatCanNotBeHad(t *testing.T) {
	cases := map[string]struct {
		status string
		url    string
		told   bool
	}{
		"no address":     {"completed", "", true},
		"not recorded":   {"failed", "", true},
		"nothing heard":  {"absent", "", false},
		"still recorded": {"in-progress", recordingURL, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			x := newExchange(t, openDay())
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
