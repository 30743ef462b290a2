// SPDX-License-Identifier: Apache-2.0

package effect_test

import (
	"fmt"
	"time"

	"landed/manifests/effect"
	"landed/manifests/effect/probe"
	"landed/manifests/report"
)

// A handset that runs the update is judged by what it answers: quiet is not enough, the silence must have been tested.
func ExampleJudge() {
	e, err := effect.ByName("app-list-upload-off")
	if err != nil {
		fmt.Println(err)
		return
	}
	program, err := effect.Compile(e)
	if err != nil {
		fmt.Println(err)
		return
	}
	const build = "Xiaomi/armani/armani:4.3/JLS36C/JHCCNBF45.0:user/release-keys"
	standard := effect.Standard{Program: program, Builds: []effect.Build{{Fingerprint: build, Model: "armani", Variant: "armani"}}}
	now := time.Date(2014, 8, 20, 12, 0, 0, 0, time.UTC)

	newest := report.Report{Model: "armani", Variant: "armani", Build: build, Progress: report.ProgressRunning, Answers: probe.Answers{
		"backup": probe.Word("off"), "backup_origin": probe.Word("policy"), "uploads_build": probe.Int(2), "uploads_off": probe.Int(0),
		"boot": probe.Bool(true), "data_up": probe.Bool(true), "app_installed": probe.Bool(false), "observed_hours": probe.Int(24),
	}}
	for range 2 {
		v := effect.Judge(now, effect.Subject{Newest: newest, Last: now.Add(-time.Hour)}, standard)
		fmt.Printf("%s (%s): %s\n", v.Class, v.Kind, e.Words["en"].Classes[v.Class].Still)
		for _, reason := range v.Because {
			text, _ := e.Reason("en", reason)
			fmt.Printf("- %s: %s\n", reason.Code, text)
		}
		newest.Answers["app_installed"], newest.Answers["observed_hours"] = probe.Bool(true), probe.Int(48)
	}
	// Output:
	// not_tried (unjudged): It has been quiet so far. That is too early to count.
	// - no_app_installed: no app was installed since the update
	// - not_long_enough: not observed for long enough (hours: less than 48 of 48)
	// not_sent (good): No, as it reports: it has not sent the list since the update.
	// - off_and_tested: not sent, and the silence was tested: boot, data, a new app and two days
}

func ExampleEffect_Answer() {
	e, err := effect.ByName("cloud-messaging-opt-in")
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, bucket := range []string{"0", "1", "2", "10"} {
		fmt.Println(e.Answer("en", "attempts_build", bucket))
	}
	// Output:
	// 0
	// 1
	// 2–9
	// 10+
}
