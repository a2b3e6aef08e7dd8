package agentapi

import (
	"bytes"
	_ "embed"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/gin-gonic/gin"
)

//go:embed docs.html
var docsTemplate string

//go:embed docs.css
var docsStyle []byte

// docs is the documentation page, rendered once from the same document as openapi.yaml. It has no script.
type docs struct{ page []byte }

type docsData struct {
	Info    *huma.Info
	Tags    []docsTag
	Schemas []docsSchema
}

type docsTag struct {
	Name       string
	Operations []docsOperation
}

type docsOperation struct {
	*huma.Operation
	Signed bool
	Body   *huma.Schema
	Codes  []docsAnswer
}

type docsAnswer struct {
	Code, Description string
	Type              template.HTML
}

type docsSchema struct {
	Name       string
	Properties []docsProperty
}

type docsProperty struct {
	Name, Description string
	Type              template.HTML
	Required          bool
}

func newDocs(doc *huma.OpenAPI) (*docs, error) {
	t, err := template.New("docs").Funcs(template.FuncMap{"typeOf": typeOf, "prose": prose}).Parse(docsTemplate)
	if err != nil {
		return nil, err
	}
	data := docsData{Info: doc.Info}
	byTag := map[string][]docsOperation{}
	for _, path := range slices.Sorted(maps.Keys(doc.Paths)) {
		item := doc.Paths[path]
		for _, op := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete} {
			if op != nil {
				byTag[op.Tags[0]] = append(byTag[op.Tags[0]], describe(op))
			}
		}
	}
	for _, tag := range slices.Sorted(maps.Keys(byTag)) {
		data.Tags = append(data.Tags, docsTag{Name: tag, Operations: byTag[tag]})
	}
	schemas := doc.Components.Schemas.Map()
	for _, name := range slices.Sorted(maps.Keys(schemas)) {
		data.Schemas = append(data.Schemas, docsSchema{Name: name, Properties: propertiesOf(schemas[name])})
	}
	var page bytes.Buffer
	if err := t.Execute(&page, data); err != nil {
		return nil, fmt.Errorf("the API's documentation page: %w", err)
	}
	return &docs{page: page.Bytes()}, nil
}

func describe(op *huma.Operation) docsOperation {
	d := docsOperation{Operation: op, Signed: len(op.Security) > 0}
	if op.RequestBody != nil {
		for _, media := range op.RequestBody.Content {
			d.Body = media.Schema
		}
	}
	for _, code := range slices.Sorted(maps.Keys(op.Responses)) {
		a := docsAnswer{Code: code, Description: op.Responses[code].Description}
		for _, kind := range slices.Sorted(maps.Keys(op.Responses[code].Content)) {
			a.Type = typeOf(op.Responses[code].Content[kind].Schema)
		}
		d.Codes = append(d.Codes, a)
	}
	return d
}

func propertiesOf(s *huma.Schema) []docsProperty {
	var list []docsProperty
	for _, name := range slices.Sorted(maps.Keys(s.Properties)) {
		p := s.Properties[name]
		list = append(list, docsProperty{Name: name, Description: p.Description, Type: typeOf(p), Required: slices.Contains(s.Required, name)})
	}
	return list
}

// typeOf writes a schema as a few words, with links to those that have a name. Names come from our own types.
func typeOf(s *huma.Schema) template.HTML {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		name := template.HTMLEscapeString(strings.TrimPrefix(s.Ref, "#/components/schemas/"))
		return template.HTML(`<a href="#schema-` + name + `">` + name + `</a>`) //nolint:gosec // escaped just above
	case len(s.AnyOf) > 0:
		parts := make([]string, len(s.AnyOf))
		for i, one := range s.AnyOf {
			parts[i] = string(typeOf(one))
		}
		return template.HTML(strings.Join(parts, " or ")) //nolint:gosec // joined of escaped parts
	case s.Type == huma.TypeArray:
		return "list of " + typeOf(s.Items)
	case len(s.Enum) > 0:
		words := make([]string, len(s.Enum))
		for i, v := range s.Enum {
			words[i] = fmt.Sprint(v)
		}
		return orNothing(s, strings.Join(words, " | "))
	case s.Format != "" && s.Format != "int64":
		return orNothing(s, s.Format)
	}
	return orNothing(s, s.Type)
}

func orNothing(s *huma.Schema, words string) template.HTML {
	if s.Nullable {
		words += " or null"
	}
	return template.HTML(template.HTMLEscapeString(words)) //nolint:gosec // escaped here
}

// prose writes a description with what stands between backticks as code.
func prose(text string) template.HTML {
	parts := strings.Split(template.HTMLEscapeString(text), "`")
	for i := 1; i+1 < len(parts); i += 2 {
		parts[i] = "<code>" + parts[i] + "</code>"
	}
	return template.HTML(strings.Join(parts, ""))
}

func (s *Server) docsPage(c *gin.Context) {
	c.Data(http.StatusOK, "text/html; charset=utf-8", s.docs.page)
}

func (s *Server) docsStyle(c *gin.Context) {
	c.Data(http.StatusOK, "text/css; charset=utf-8", docsStyle)
}
