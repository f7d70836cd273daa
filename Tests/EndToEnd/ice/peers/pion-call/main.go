// pion in whole calls: see ../README.md.
package main

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
	"github.com/pion/webrtc/v3"
	"golang.org/x/sys/unix"
)

type fields map[string]interface{}

var output sync.Mutex

func tell(kind string, more fields) {
	var now unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &now)
	more["is"], more["at"] = kind, float64(now.Sec)+float64(now.Nsec)/1e9
	line, _ := json.Marshal(more)
	output.Lock()
	defer output.Unlock()
	os.Stdout.Write(append(line, '\n'))
}

func problem(err error) bool {
	if err != nil {
		tell("problem", fields{"text": err.Error()})
	}
	return err != nil
}

type message struct {
	Type      string                     `json:"type"`
	ID        interface{}                `json:"id,omitempty"`
	Name      string                     `json:"name,omitempty"`
	Target    string                     `json:"target,omitempty"`
	Date      int64                      `json:"date,omitempty"`
	Users     []string                   `json:"users,omitempty"`
	SDP       *webrtc.SessionDescription `json:"sdp,omitempty"`
	Candidate *webrtc.ICECandidateInit   `json:"candidate,omitempty"`
}

// One user of the chat.
type chatter struct {
	name, call, target string
	seconds            float64
	servers            []webrtc.ICEServer
	sending            sync.Mutex
	socket             *websocket.Conn
	called             bool
	connection         *connection
}

func (c *chatter) send(m message) {
	c.sending.Lock()
	defer c.sending.Unlock()
	problem(c.socket.WriteJSON(m))
}

// The chat and the clock in turn.
func (c *chatter) run() {
	messages := make(chan message)
	go func() {
		defer close(messages)
		for {
			var m message
			if problem(c.socket.ReadJSON(&m)) {
				return
			}
			messages <- m
		}
	}()
	ticks := time.NewTicker(500 * time.Millisecond)
	for {
		select {
		case m, isOpen := <-messages:
			if !isOpen {
				return
			}
			problem(c.obey(m))
		case <-ticks.C:
			c.tick()
		}
	}
}

func (c *chatter) obey(m message) error {
	switch m.Type {
	case "id":
		c.send(message{Type: "username", Name: c.name, ID: m.ID, Date: time.Now().UnixMilli()})
	case "userlist":
		for _, user := range m.Users {
			if user == c.call && !c.called {
				c.called = true
				if err := c.begin(c.call); err != nil {
					return err
				}
				return c.describe("video-offer", c.connection.offer)
			}
		}
	case "video-offer":
		if c.connection == nil {
			if err := c.begin(m.Name); err != nil {
				return err
			}
		}
		return c.describe("video-answer", func() (webrtc.SessionDescription, error) { return c.connection.answer(*m.SDP) })
	case "hang-up":
		c.end("them")
	case "video-answer":
		if c.connection != nil {
			return c.connection.peer.SetRemoteDescription(*m.SDP)
		}
	case "new-ice-candidate":
		if c.connection != nil && m.Candidate != nil {
			return c.connection.peer.AddICECandidate(*m.Candidate)
		}
	}
	return nil
}

func (c *chatter) begin(target string) (err error) {
	c.target = target
	c.connection, err = connect(c.servers)
	return err
}

// Candidates come as soon as a description is made, but may not be sent before it.
func (c *chatter) describe(kind string, make func() (webrtc.SessionDescription, error)) error {
	var isSent sync.WaitGroup
	isSent.Add(1)
	defer isSent.Done()
	target := c.target
	c.connection.peer.OnICECandidate(func(candidate *webrtc.ICECandidate) {
		isSent.Wait()
		if candidate != nil {
			text := candidate.ToJSON()
			c.send(message{Type: "new-ice-candidate", Target: target, Candidate: &text})
		}
	})
	description, err := make()
	if err == nil {
		c.send(message{Type: kind, Name: c.name, Target: target, SDP: &description})
	}
	return err
}

// Reports what comes in; a caller leaves when it has seen enough.
func (c *chatter) tick() {
	if c.connection == nil {
		return
	}
	video, audio := c.connection.figures()
	tell("figures", fields{"video": video, "audio": audio})
	if c.called && float64(video)/15 > c.seconds && float64(audio)/25 > c.seconds {
		c.send(message{Type: "hang-up", Name: c.name, Target: c.target})
		c.end("us")
	}
}

func (c *chatter) end(by string) {
	if c.connection == nil {
		return
	}
	c.connection.close()
	video, audio := c.connection.figures()
	c.connection = nil
	tell("ended", fields{"by": by, "video": video, "audio": audio})
}

func main() {
	server := flag.String("server", "", "")
	name := flag.String("name", "", "")
	call := flag.String("call", "", "whom to call as soon as it is there")
	seconds := flag.Float64("seconds", 5, "a caller hangs up after as much picture and sound")
	stun := flag.String("stun", "", "host:port")
	turn := flag.String("turn", "", "user:password@host:port")
	flag.Parse()
	c := &chatter{name: *name, call: *call, seconds: *seconds}
	if *stun != "" {
		c.servers = append(c.servers, webrtc.ICEServer{URLs: []string{"stun:" + *stun}})
	}
	if at := strings.LastIndex(*turn, "@"); at > 0 {
		login := strings.SplitN((*turn)[:at], ":", 2)
		c.servers = append(c.servers, webrtc.ICEServer{
			URLs: []string{"turn:" + (*turn)[at+1:] + "?transport=udp"}, Username: login[0], Credential: login[1]})
	}
	dialer := websocket.Dialer{Subprotocols: []string{"json"}}
	socket, _, err := dialer.Dial(*server, http.Header{})
	if problem(err) {
		os.Exit(1)
	}
	c.socket = socket
	c.run()
}
