package ticketing

// TownFile is a town as `guichet import` reads it. Import creates and updates; it never removes.
type TownFile struct {
	Departments []DepartmentEntry `yaml:"departments"`
	Motives     []MotiveEntry     `yaml:"motives"`
	Rules       []RuleEntry       `yaml:"rules"`
	Agents      []AgentEntry      `yaml:"agents"`
	Templates   []TemplateEntry   `yaml:"templates"`
	Hours       *HoursEntry       `yaml:"hours"`
}

// Names is one name in the languages of the town.
type Names struct {
	FR string `yaml:"fr"`
	EN string `yaml:"en"`
}

// DepartmentEntry is a department in a town file.
type DepartmentEntry struct {
	Code         string     `yaml:"code"`
	Name         Names      `yaml:"name"`
	Visibility   Visibility `yaml:"visibility"`    // open when left out
	ReopenWithin int        `yaml:"reopen_within"` // days; 30 when left out
	Address      string     `yaml:"address"`       // as under a letter: street, town, telephone; the town's when left out
	Numbers      []string   `yaml:"numbers"`       // telephone numbers that ring in turn, in any spelling
	Digit        string     `yaml:"digit"`         // what a caller presses for it, 1 to 9
	CallBack     int        `yaml:"call_back"`     // hours of opening time within which a missed call is called back; 8 when left out
}

// MotiveEntry is a motive in a town file.
type MotiveEntry struct {
	Code       string   `yaml:"code"`
	Department string   `yaml:"department"`
	Name       Names    `yaml:"name"`
	Priority   Priority `yaml:"priority"` // normal when left out
}

// RuleEntry is a routing rule in a town file. Its position is its place in the list.
type RuleEntry struct {
	Code       string   `yaml:"code"`
	Any        []string `yaml:"any"`  // words or phrases of which one suffices
	All        []string `yaml:"all"`  // all of them
	None       []string `yaml:"none"` // none of them
	Channel    string   `yaml:"channel"`
	Line       string   `yaml:"line"`
	Sender     string   `yaml:"sender"`     // an address, or "@domain"
	Department string   `yaml:"department"` // the motive's when left out
	Motive     string   `yaml:"motive"`
	Priority   Priority `yaml:"priority"` // the motive's when left out
}

// AgentEntry is an agent in a town file. Import never sets a password.
type AgentEntry struct {
	Email       string   `yaml:"email"`
	Name        string   `yaml:"name"`
	Signature   string   `yaml:"signature"`
	Language    string   `yaml:"language"` // fr when left out
	Roles       []string `yaml:"roles"`    // [agent] when left out
	Departments []string `yaml:"departments"`
	Supervises  []string `yaml:"supervises"`
	All         bool     `yaml:"all_departments"`
	Capacity    int      `yaml:"capacity"`  // 8 when left out
	Extension   string   `yaml:"extension"` // user name or number in the telephone exchange
}

// TemplateEntry is a text citizens receive, in Markdown. Its placeholders are the fields of TextData, {{.Reference}} for example; the
// reference, the date and the citizen's subject are put in as they are, so that a template cannot cut or compare them.
type TemplateEntry struct {
	Code     string `yaml:"code"`
	Language string `yaml:"language"`
	Subject  string `yaml:"subject"`
	Body     string `yaml:"body"`
}
