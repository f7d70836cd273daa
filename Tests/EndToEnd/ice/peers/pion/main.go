// A pion/ice agent on lines of JSON: see ../README.md.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/pion/ice/v2"
	"golang.org/x/sys/unix"
)

type server struct {
	URL        string `json:"url"`
	Username   string `json:"username"`
	Credential string `json:"credential"`
}

type command struct {
	Do        string   `json:"do"`
	Role      string   `json:"role"`
	Servers   []server `json:"servers"`
	Policy    string   `json:"policy"`
	Patience  *int     `json:"patience"`
	Ufrag     string   `json:"ufrag"`
	Pwd       string   `json:"pwd"`
	Candidate string   `json:"candidate"`
	Count     int      `json:"count"`
	Interval  float64  `json:"interval"`
	Size      int      `json:"size"`
}

type fields map[string]interface{}

var output sync.Mutex

func monotonic() float64 {
	var time unix.Timespec
	unix.ClockGettime(unix.CLOCK_MONOTONIC, &time)
	return float64(time.Sec) + float64(time.Nsec)/1e9
}

func tell(kind string, more fields) {
	more["is"], more["at"] = kind, monotonic()
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

type peer struct {
	sync.Mutex
	agent                *ice.Agent
	role                 string
	ufrag                string
	conn                 *ice.Conn
	restarting           bool
	back                 map[uint32]bool
	received             int
	lastBack, gap, gapAt float64
}

func (p *peer) start(c command) {
	config := ice.AgentConfig{
		NetworkTypes:     []ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6},
		MulticastDNSMode: ice.MulticastDNSModeDisabled,
	}
	if c.Policy == "relay" {
		config.CandidateTypes = []ice.CandidateType{ice.CandidateTypeRelay}
	}
	if c.Patience != nil { // How long to wait for better pairs: pion's own are 0, 500, 1000 and 2000 ms.
		patience := time.Duration(*c.Patience) * time.Millisecond
		config.SrflxAcceptanceMinWait, config.PrflxAcceptanceMinWait = &patience, &patience
		config.RelayAcceptanceMinWait = &patience
	}
	for _, s := range c.Servers {
		url, err := ice.ParseURL(s.URL)
		if problem(err) {
			continue
		}
		url.Username, url.Password = s.Username, s.Credential
		config.Urls = append(config.Urls, url)
	}
	agent, err := ice.NewAgent(&config)
	if problem(err) {
		return
	}
	p.agent, p.role = agent, c.Role
	agent.OnCandidate(func(candidate ice.Candidate) {
		text := ""
		if candidate != nil {
			text = "candidate:" + candidate.Marshal()
		}
		p.Lock()
		ufrag := p.ufrag
		p.Unlock()
		tell("candidate", fields{"candidate": text, "ufrag": ufrag})
	})
	agent.OnConnectionStateChange(func(state ice.ConnectionState) {
		tell("state", fields{"state": strings.ToLower(state.String())})
	})
	agent.OnSelectedCandidatePairChange(func(local, remote ice.Candidate) {
		tell("pair", fields{"local": describe(local), "remote": describe(remote)})
	})
	p.tellCredentials()
	problem(agent.GatherCandidates())
}

func describe(c ice.Candidate) string {
	address := net.JoinHostPort(c.Address(), fmt.Sprint(c.Port()))
	return fmt.Sprintf("%s %s %s", c.Type(), address, c.NetworkType().NetworkShort())
}

func (p *peer) tellCredentials() {
	ufrag, pwd, err := p.agent.GetLocalUserCredentials()
	if problem(err) {
		return
	}
	p.Lock()
	p.ufrag = ufrag
	p.Unlock()
	tell("credentials", fields{"ufrag": ufrag, "pwd": pwd})
}

func (p *peer) credentials(c command) {
	if p.conn != nil {
		if !p.restarting { // The other has restarted, so we do.
			p.restart()
		}
		p.restarting = false
		problem(p.agent.SetRemoteCredentials(c.Ufrag, c.Pwd))
		return
	}
	go func() {
		connect := p.agent.Accept
		if p.role == "controlling" {
			connect = p.agent.Dial
		}
		conn, err := connect(context.Background(), c.Ufrag, c.Pwd)
		if problem(err) {
			return
		}
		p.Lock()
		p.conn = conn
		p.Unlock()
		p.receive(conn)
	}()
}

func (p *peer) receive(conn *ice.Conn) {
	buffer := make([]byte, 2048)
	for {
		count, err := conn.Read(buffer)
		if err != nil {
			return
		}
		if count < 8 {
			continue
		}
		p.Lock()
		switch buffer[0] {
		case 0x80:
			p.received++
			buffer[0] = 0x81
			conn.Write(buffer[:count])
		case 0x81:
			now := monotonic()
			if p.lastBack != 0 && now-p.lastBack > p.gap {
				p.gap, p.gapAt = now-p.lastBack, now
			}
			p.lastBack = now
			p.back[binary.BigEndian.Uint32(buffer[4:])] = true
		}
		p.Unlock()
	}
}

func (p *peer) send(c command) {
	p.Lock()
	conn := p.conn
	p.back, p.gap, p.gapAt, p.lastBack = map[uint32]bool{}, 0, 0, monotonic()
	p.Unlock()
	size := c.Size
	if size < 8 {
		size = 100
	}
	data := make([]byte, size)
	data[0] = 0x80
	ticker := time.NewTicker(time.Duration(c.Interval * float64(time.Millisecond)))
	for number := 0; number < c.Count; number++ {
		binary.BigEndian.PutUint32(data[4:], uint32(number))
		conn.Write(data)
		<-ticker.C
	}
	ticker.Stop()
	time.Sleep(time.Second)
	p.Lock()
	defer p.Unlock()
	tell("echoed", fields{"sent": c.Count, "back": len(p.back), "received": p.received,
		"gap": int(p.gap * 1000), "gapAt": p.gapAt})
}

func (p *peer) restart() {
	if problem(p.agent.Restart("", "")) {
		return
	}
	p.tellCredentials()
	problem(p.agent.GatherCandidates())
}

func main() {
	p := &peer{back: map[uint32]bool{}}
	tell("ready", fields{})
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		if problem(json.Unmarshal(lines.Bytes(), &c)) {
			continue
		}
		switch c.Do {
		case "start":
			p.start(c)
		case "credentials":
			p.credentials(c)
		case "candidate":
			if c.Candidate != "" {
				candidate, err := ice.UnmarshalCandidate(strings.TrimPrefix(c.Candidate, "candidate:"))
				if !problem(err) {
					problem(p.agent.AddRemoteCandidate(candidate))
				}
			}
		case "send":
			go p.send(c)
		case "restart":
			p.restarting = true
			p.restart()
		case "quit":
			p.agent.Close()
			return
		}
	}
	if p.agent != nil {
		p.agent.Close()
	}
}
