package ticketing

// Visibility says who may know of a department's tickets.
type Visibility string

// The visibilities.
const (
	Open   Visibility = "open"   // every agent reads, notes and logs a contact
	Sealed Visibility = "sealed" // members only; a citizen's timeline says that a reserved exchange took place
	Hidden Visibility = "hidden" // members only; nobody else learns that anything exists
)

// Department is a service of the town hall with a queue of its own.
type Department struct {
	Code         string `gorm:"primaryKey"`
	NameFR       string `gorm:"column:name_fr"`
	NameEN       string `gorm:"column:name_en"`
	Visibility   Visibility
	Position     int     // order on the screens
	ReopenWithin int     // days after closing within which a citizen's message reopens the ticket; later it opens a linked one
	Address      string  // where citizens find and call it, on as many lines as under a letter; empty: the town's
	Numbers      Strings // E.164, which ring in turn when a caller asks for the department; empty: it has voicemail only
	Digit        string  // what a caller presses for it, "1" to "9"; empty: it is not in the menu
	// CallBackWithin is the hours of opening time within which a missed call is called back.
	CallBackWithin int
}

// Name gives the department's name in a language, French when there is no other.
func (d Department) Name(language string) string {
	if language == "en" && d.NameEN != "" {
		return d.NameEN
	}
	return d.NameFR
}

// Motive is why a citizen comes: "Nid-de-poule", "Copie d'acte de naissance".
type Motive struct {
	Code       string `gorm:"primaryKey"`
	Department string
	NameFR     string `gorm:"column:name_fr"`
	NameEN     string `gorm:"column:name_en"`
	Priority   Priority
	Position   int
}

// Name gives the motive's name in a language, French when there is no other.
func (m Motive) Name(language string) string {
	if language == "en" && m.NameEN != "" {
		return m.NameEN
	}
	return m.NameFR
}

// Rule sends a message to a department by its words, its sender or the way it came. Its meaning is routing.Rule's.
type Rule struct {
	Code       string `gorm:"primaryKey"`
	Position   int
	AnyWords   Strings
	AllWords   Strings
	NoneWords  Strings
	Channel    string
	Line       string
	Sender     string
	Department string
	Motive     string
	Priority   Priority
}

// Template is a text citizens receive, in one language: "acknowledgement", "reply", or "reply.voirie" for the answers of one
// department.
type Template struct {
	Code     string `gorm:"primaryKey"`
	Language string `gorm:"primaryKey"`
	Subject  string
	Body     string
}

// Line is one of the town's own addresses: a mailbox, later a telephone number.
type Line struct {
	Name          string `gorm:"primaryKey"`
	Channel       string
	Address       string
	Department    string // where its messages go when no rule matches
	PlusAddresses bool   // answers may carry a reply token in the address
	Position      int
}
