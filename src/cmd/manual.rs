//! `man` and `completions`, both made from the command line itself.

use super::{Failure, command_line, print};

pub(super) fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    let mut done = clap_mangen::Man::new(command_line()).render(&mut page);
    for sub in command_line().get_subcommands() {
        let named = sub.clone().name(format!("strongroom-{}", sub.get_name()));
        done = done.and_then(|()| clap_mangen::Man::new(named).render(&mut page));
    }
    done.map_err(|error| Failure::new(1, error.to_string()))?;
    print(&String::from_utf8_lossy(&page))
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "strongroom", &mut script);
    print(&String::from_utf8_lossy(&script))
}
