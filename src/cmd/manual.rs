//! `man` and `completions`, both made from the command line itself.

use super::{Failure, command_line, print};

pub(super) fn man() -> Result<(), Failure> {
    let mut page = Vec::new();
    render(&command_line(), &mut page).map_err(|error| Failure::new(1, error.to_string()))?;
    print(&String::from_utf8_lossy(&page))
}

/// The page of a command, then those of the commands below it.
fn render(command: &clap::Command, page: &mut Vec<u8>) -> std::io::Result<()> {
    clap_mangen::Man::new(command.clone()).render(page)?;
    command.get_subcommands().try_for_each(|below| {
        let name = format!("{}-{}", command.get_name(), below.get_name());
        render(&below.clone().name(name), page)
    })
}

pub(super) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command_line(), "strongroom", &mut script);
    print(&String::from_utf8_lossy(&script))
}
