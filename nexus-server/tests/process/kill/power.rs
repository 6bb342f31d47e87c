use super::{MAX_SIGHTS, Trial, load};
use crate::disk::Disk;

const LOSSES: usize = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_clients_saw_outlives_losses_of_power_where_that_is_asked_for() {
    let mut trial = Trial::new().await;
    let mut disk = Disk::new(&trial.home);
    let args = ["--durability", "power"];
    let mut server = trial.home.start(&args, &disk.env());
    for loss in 0..LOSSES {
        let seen = trial.kill(server).await;
        disk.lose_power(&mut trial.random);
        if trial.lengthen_log(loss) {
            disk = Disk::new(&trial.home);
        }
        server = trial.home.start(&args, &disk.env());
        trial.check(&server, seen).await;
    }
    trial.finish(server).await;
}

/// Shows that the test above can fail.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn losses_of_power_undo_commits_where_only_the_process_is_outlived() {
    let mut trial = Trial::new().await;
    let mut disk = Disk::new(&trial.home);
    let server = trial.home.start(&[], &disk.env());
    let seen = load::run(server, MAX_SIGHTS, &trial.started).await;
    disk.lose_power(&mut trial.random);
    let server = trial.home.start(&[], &[]);
    // Consistent, but too short.
    trial.ledger.read_new(&server).await;
    trial.ledger.check_rows();
    trial.ledger.check_totals(&server).await;
    assert!(seen.iter().any(|seen| !trial.ledger.has(seen)));
}
