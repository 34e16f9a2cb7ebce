//! The hosts that an installation may ask: `hosts.json` of a site, and the page's policy made from the same table.
//!
//! What a table means is left to `gemscope::spec`.

use anyhow::{Result, anyhow, ensure};
use gemscope::spec::{Host, HostTable, Serves};

/// The file of a site from which the engine reads the table.
pub const FILE: &str = "hosts.json";
/// What the policy of `www/` says of requests: to the site alone.
const SITE_ALONE: &str = "connect-src 'self'";

/// A host as it is written on the command line: `URL`, or `URL,ALSO,…` with the origins that it sends on to.
///
/// Errors: what is no origin.
pub fn parse(text: &str) -> Result<Host> {
    let mut parts = text.split(',');
    let wrong = |it: gemscope::spec::AddressError| anyhow!("{it}");
    let endpoint = parts.next().unwrap_or_default().parse().map_err(wrong)?;
    let also = parts.map(|it| it.parse().map_err(wrong));
    Ok(Host {
        endpoint,
        also: also.collect::<Result<_>>()?,
        serves: Serves::Files,
    })
}

/// The table that every installation has, and these; without whoever tells of single features, if so wished.
pub fn table(more: &[Host], asks_of_features: bool) -> HostTable {
    let mut table = HostTable::default();
    table
        .hosts
        .retain(|it| asks_of_features || it.serves.is_files());
    table.hosts.extend(more.iter().cloned());
    table
}

/// The text of [`FILE`].
///
/// Errors: none that a table can cause.
pub fn json(table: &HostTable) -> Result<String> {
    Ok(serde_json::to_string_pretty(table)? + "\n")
}

/// A text with the policy of `www/` in it, which now lets the page ask the hosts of the table too.
///
/// Errors: a text that does not hold that policy exactly once.
pub fn into_policy(text: &str, table: &HostTable) -> Result<String> {
    let n_times = text.matches(SITE_ALONE).count();
    ensure!(
        n_times == 1,
        "`{SITE_ALONE}` stands {n_times} times where the policy is, and not once"
    );
    let sources = table.sources();
    let allowed = [&[SITE_ALONE.to_string()][..], &sources].concat().join(" ");
    Ok(text.replace(SITE_ALONE, &allowed))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../www/index.html");

    #[test]
    fn a_host_may_name_where_it_sends_on_to() {
        let alone = parse("http://127.0.0.1:8000").unwrap();
        assert!(alone.also.is_empty());
        let host = parse("https://mirror.example,https://*.cdn.example").unwrap();
        let table = table(std::slice::from_ref(&host), true);
        assert!(table.has_endpoint(&host.endpoint));
        let to = "https://a.cdn.example".parse().unwrap();
        assert!(table.may_send_on(&host.endpoint, &to));
        let text = json(&table).unwrap();
        assert_eq!(serde_json::from_str::<HostTable>(&text).unwrap(), table);
        for text in [
            "",
            "mirror.example",
            "https://a/b",
            "https://a,*",
            "https://a,",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_page_may_ask_the_hosts_of_the_table() {
        let table = table(&[parse("https://mirror.example").unwrap()], true);
        let text = into_policy(PAGE, &table).unwrap();
        let start = text.find("connect-src").unwrap();
        let asked = text[start..].split(';').next().unwrap();
        for it in table.sources() {
            assert!(asked.contains(&format!(" {it}")), "{it}");
        }
        assert!(asked.starts_with("connect-src 'self' https://huggingface.co "));
    }

    #[test]
    fn an_installation_may_ask_nobody_about_features() {
        let with = into_policy(PAGE, &table(&[], true)).expect("a policy");
        let without = into_policy(PAGE, &table(&[], false)).expect("a policy");
        let source = "https://www.neuronpedia.org/api/feature/gemma-2-2b/";
        assert!(with.contains(source) && !without.contains("neuronpedia.org/api"));
    }

    #[test]
    fn a_policy_that_is_not_there_is_noticed() {
        let table = HostTable::default();
        assert!(into_policy("default-src 'none'", &table).is_err());
        let twice = into_policy(PAGE, &table).unwrap().repeat(2);
        assert!(into_policy(&twice, &table).is_err());
    }
}
