//! Group commit: many callers' statements, one transaction, one `fsync`, and only then the answers.

use std::sync::atomic::Ordering;
use std::time::Instant;

use super::engine::Engine;
use super::{Job, Outcome};
use crate::statement::Kind;
use crate::{BatchReport, Error};

/// Why a group did not come to a common end.
enum Broken {
    /// The member at `position` ended the whole transaction; this is what SQLite said about it.
    By { position: usize, error: Error },
    /// `COMMIT` found a violated constraint, without saying whose.
    Constraint,
    /// Nothing could be written. Nobody's fault, everybody's answer.
    Storage(Error),
}

/// Runs and commits `jobs` together; answers each. What changes the schema, or hangs on COMMIT, is committed alone.
///
/// A member that ends the whole transaction (a statement that timed out, a full disk, a `ROLLBACK` hidden in an old
/// trigger) must not harm the others: they are then run again, each in a transaction of its own. That is safe because
/// nothing of the group was kept and nobody was answered.
pub(super) fn commit(engine: &Engine, jobs: Vec<Job>) {
    let defines = |job: &Job| job.statement.kind == Kind::Define;
    if jobs.len() > 1 && (jobs.iter().any(defines) || !engine.may_group()) {
        for job in jobs {
            let result = single(engine, &job);
            job.answer(result);
        }
        return;
    }
    let broken = match together(engine, &jobs) {
        Ok(results) => {
            for (job, result) in jobs.into_iter().zip(results) {
                job.answer(result);
            }
            return;
        }
        Err(broken) => broken,
    };
    if let Broken::Storage(error) = broken {
        tracing::error!(%error, statements = jobs.len(), "a commit failed; its statements are answered with the error");
        for job in jobs {
            job.answer(Err(error.clone()));
        }
        return;
    }
    if jobs.len() > 1 {
        engine.counters.retried_groups.fetch_add(1, Ordering::Relaxed);
    }
    let alone = jobs.len() == 1;
    for (position, job) in jobs.into_iter().enumerate() {
        let result = match &broken {
            // Its own fault for certain: a second run would take as long, or end the same way.
            Broken::By {
                position: culprit,
                error,
            } if *culprit == position && (alone || is_final(error)) => Err(error.clone()),
            _ => single(engine, &job),
        };
        job.answer(result);
    }
}

fn is_final(error: &Error) -> bool {
    matches!(error, Error::TimeLimit { .. })
}

fn together(engine: &Engine, jobs: &[Job]) -> Result<Vec<Result<Outcome, Error>>, Broken> {
    engine.begin().map_err(Broken::Storage)?;
    let mut results = Vec::with_capacity(jobs.len());
    for (position, job) in jobs.iter().enumerate() {
        let result = run(engine, job);
        if !engine.in_transaction() {
            let error = result.err().unwrap_or(Error::TransactionEnded);
            return Err(Broken::By { position, error });
        }
        results.push(result);
    }
    finish(engine, jobs.len()).map_err(|error| match error {
        Error::Constraint(_) => Broken::Constraint,
        other => Broken::Storage(other),
    })?;
    Ok(results)
}

fn single(engine: &Engine, job: &Job) -> Result<Outcome, Error> {
    engine.begin()?;
    let result = run(engine, job);
    match result {
        Ok(outcome) => finish(engine, 1).map(|()| outcome),
        Err(error) => {
            engine.rollback();
            Err(error)
        }
    }
}

fn run(engine: &Engine, job: &Job) -> Result<Outcome, Error> {
    engine.run_atomically(&job.statement, job.last_insert_rowid, engine.options.statement_time_max)
}

fn finish(engine: &Engine, statements: usize) -> Result<(), Error> {
    let start = Instant::now();
    engine.commit()?;
    engine.counters.commits.fetch_add(1, Ordering::Relaxed);
    engine
        .counters
        .statements
        .fetch_add(statements as u64, Ordering::Relaxed);
    if let Some(on_batch) = &engine.options.on_batch {
        on_batch(BatchReport {
            statements,
            commit: start.elapsed(),
        });
    }
    Ok(())
}
