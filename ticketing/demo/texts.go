package demo

import "bytes"

// Text is a text message of a citizen, and how she answers an agent.
type Text struct {
	From        string   `yaml:"from"` // E.164
	Text        string   `yaml:"text"`
	Photo       bool     `yaml:"photo"`       // a picture comes with it
	Unreachable bool     `yaml:"unreachable"` // her telephone is off: nothing that is sent to her arrives
	Answers     []string `yaml:"answers"`
	Expect      struct {
		Department string `yaml:"department"`
		Motive     string `yaml:"motive"`
	} `yaml:"expect"` // where the town's rules must send it
}

// HostedCall is a call of a citizen to the town's hosted number that nobody takes.
type HostedCall struct {
	From   string   `yaml:"from"`   // E.164; empty: it is withheld
	Digits []string `yaml:"digits"` // the keys she presses
	Words  string   `yaml:"words"`  // what she says to the voicemail; empty: nothing
}

// Phones gives the text messages and the calls in the order they come.
func Phones() ([]Text, []HostedCall, error) {
	raw, err := files.ReadFile("texts.yaml")
	if err != nil {
		return nil, nil, err
	}
	var file struct {
		Texts []Text       `yaml:"texts"`
		Calls []HostedCall `yaml:"calls"`
	}
	err = decode(raw, &file)
	return file.Texts, file.Calls, err
}

// Silence is an MP3 in which nothing is heard: frames of MPEG-1 Layer III, mono, 44.1 kHz, 32 kbit/s, whose side information says
// that there is no more to read (ISO/IEC 11172-3 section 2.4.1).
func Silence(seconds int) []byte {
	const samples, perSecond, size = 1152, 44_100, 144 * 32_000 / 44_100 // of a frame; a second; bytes of a frame
	frame := append([]byte{0xFF, 0xFB, 0x10, 0xC0}, make([]byte, size-4)...)
	return bytes.Repeat(frame, seconds*perSecond/samples)
}
