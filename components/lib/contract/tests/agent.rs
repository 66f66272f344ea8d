//! The agent protocol keeps its promise: what was sent by the first version of this protocol is read for as long as
//! its version is spoken, and what a later one adds is left aside. Never change a text here; add others.
#![cfg(test)]

use sam_contract::agent::auth::{Claims, Refused, Superseded};
use sam_contract::agent::desired::{Desired, DesiredQuery, DesiredState};
use sam_contract::agent::enrol::{Enrol, Enrolled, Start, Started, TunnelQuery};
use sam_contract::agent::observed::{Observed, ObservedState, ObservedTaken};
use sam_contract::agent::outbox::{AskCredential, GitCredential, Outbox, StepStatus, Taken, What};
use serde::de::DeserializeOwned;

const ID: &str = "01arz3ndektsv4rrffq69g5fav";

/// Reads a text of version 1, with `ID` put in, as it is and with a field that only a later version has.
fn read<T: DeserializeOwned>(text: &str) -> T {
    let text = text.replace("ID", ID);
    let later = text.replacen('{', r#"{"of_a_later_version":{"x":[1]},"#, 1);
    serde_json::from_str::<T>(&later).unwrap_or_else(|error| panic!("{later}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn what_an_agent_sends() {
    let enrol: Enrol = read(r#"{"token":"t","public_key":"k","machine":{"hostname":"h"}}"#);
    assert_eq!((enrol.machine.hostname.as_str(), enrol.machine.protocol), ("h", 0));
    let _: Start = read(r#"{"machine":{}}"#);
    let claims: Claims = read(r#"{"sub":"ID","iat":1,"exp":61,"htm":"PUT","htp":"/api/agent/v1/observed"}"#);
    assert_eq!(claims.exp, 61);
    let _: AskCredential = read(r#"{"workspace":"ID","protocol":"https","host":"h"}"#);
}

#[test]
fn a_report() {
    let least: Observed = read(r#"{"epoch":1,"seq":2}"#);
    assert_eq!((least.generation, least.workspaces.len()), (0, 0));
    let full: Observed = read(
        r#"{"epoch":1,"seq":2,"generation":3,"machine":{"os":"linux"},"load":{"cpus":4,"load1":0.5,"docker":null},
        "warm":1,"workspaces":[{"id":"ID","generation":2,"attempt":1,"state":"running","step":null,
        "failure":{"step":"clone","message":"m"},"isolation":"docker","image":"i","recovery":null,"branch":"b",
        "active_at":5,"terminals":1,"ports":[{"port":80,"label":"l","http":true}]},{"id":"ID","state":"dreaming"}]}"#,
    );
    let states: Vec<_> = full.workspaces.iter().map(|workspace| workspace.state).collect();
    assert_eq!(states, [ObservedState::Running, ObservedState::Unknown]);
}

#[test]
fn an_outbox() {
    let outbox: Outbox = read(
        r#"{"epoch":1,"entries":[{"id":"ID","at":1,"what":{"kind":"step","workspace":"ID","attempt":1,"n":0,
        "name":"clone","status":"running","started_at":1}},{"id":"ID","at":2,"what":{"kind":"dream","of":[1]}}]}"#,
    );
    assert!(matches!(&outbox.entries[0].what, What::Step(step) if step.status == StepStatus::Running));
    assert_eq!(outbox.entries[1].what, What::Unknown);
}

#[test]
fn what_an_agent_is_told() {
    let _: Enrolled = read(r#"{"node_id":"ID","name":"n","server_time":1}"#);
    let _: Started = read(r#"{"epoch":1,"server_time":1}"#);
    let _: ObservedTaken = read(r#"{"generation":1,"server_time":1}"#);
    let _: Taken = read(r#"{"entries":1,"server_time":1}"#);
    let _: GitCredential = read(r#"{"username":"u","password":"p"}"#);
    assert!(read::<Refused>(r#"{"server_time":1,"gone":true}"#).gone);
    assert_eq!(read::<Superseded>(r#"{"stale_epoch":7}"#).stale_epoch, Some(7));
    assert_eq!(read::<Desired>(r#"{"generation":1}"#).workspaces, []);
    let desired: Desired = read(
        r#"{"generation":1,"server_time":1,"warm":{"containers":1,"image":null},"workspaces":[
        {"id":"ID","generation":1,"attempt":1,"rebuild":false,"state":"running","name":"n","repository":{"url":"u",
        "branch":null,"shallow":true,"has_credential":false},"isolation":"process","image":null,
        "limits":{"cpu_milli":1,"memory_bytes":2,"pids":3}},
        {"id":"ID","generation":2,"attempt":1,"state":"hovering"}]}"#,
    );
    let states: Vec<_> = desired.workspaces.iter().map(|workspace| workspace.state).collect();
    assert_eq!(
        states,
        [DesiredState::Running, DesiredState::Unknown],
        "left as it is, never deleted"
    );
}

#[test]
fn questions() {
    let query = |text: &str| serde_urlencoded::from_str::<DesiredQuery>(text).unwrap();
    assert_eq!((query("").have, query("have=5&epoch=2&later=x").have), (None, Some(5)));
    assert_eq!(
        serde_urlencoded::from_str::<TunnelQuery>("epoch=2").unwrap().epoch,
        Some(2)
    );
}
