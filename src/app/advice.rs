//! What to tell somebody whose browser has no WebGPU: one sentence, by what the browser says of itself. Leaves finding that out to the page.

/// What the browser says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Browser {
    /// `navigator.userAgent`.
    pub agent: String,
    /// Whether the page came by https, or from this machine.
    pub is_secure: bool,
}

impl Browser {
    /// What else can be done here about a failure; empty for one that is not the browser's.
    pub fn advice_on(&self, failure: &str) -> String {
        match failure.contains("o GPU adapter") {
            true => self.advice(),
            false => String::new(),
        }
    }

    /// What can be done so that the model runs here.
    pub fn advice(&self) -> String {
        let has = |it: &str| self.agent.contains(it);
        let mobile = has("Android") || has("iPhone") || has("iPad");
        if !self.is_secure {
            return "WebGPU needs a secure page: open the https address, or localhost.".into();
        }
        if has("Firefox/") {
            return self.firefox(mobile);
        }
        if has("Chrome/") || has("Edg/") {
            return self.chromium();
        }
        if has("Safari/") {
            return "Safari has WebGPU from macOS 26 and iOS 26 on: update the system, or open the page in Chrome.".into();
        }
        "Open the page in Chrome or Edge 113 or later, Firefox 141 or later on Windows, or Safari 26.".into()
    }

    fn firefox(&self, mobile: bool) -> String {
        let linux = self.agent.contains("Linux");
        if linux || mobile {
            return "Firefox has WebGPU here behind a setting only: open about:config, set dom.webgpu.enabled to true and reload; or open the page in Chrome.".into();
        }
        if self.agent.contains("Intel Mac") {
            // Firefox says "Intel Mac" on every Mac.
            return "Firefox has WebGPU on Apple silicon from version 147 on; on an Intel Mac open the page in Chrome or Safari 26.".into();
        }
        "Firefox has WebGPU on Windows from version 141 on: update it and reload.".into()
    }

    fn chromium(&self) -> String {
        let version = self.version("Chrome/").unwrap_or(0);
        let android = self.agent.contains("Android");
        let least = if android { 121 } else { 113 };
        if version < least {
            return format!(
                "This is version {version}: update the browser to {least} or later and reload."
            );
        }
        if self.agent.contains("Linux") && !android {
            return "Chrome on Linux has WebGPU for newer Intel and NVIDIA GPUs. Otherwise start it with --enable-unsafe-webgpu --enable-features=Vulkan --use-angle=vulkan.".into();
        }
        "Turn on hardware acceleration in the browser's settings, update the graphics driver and restart; chrome://gpu says what is missing.".into()
    }

    fn version(&self, name: &str) -> Option<u32> {
        let rest = self.agent.split(name).nth(1)?;
        rest.split('.').next()?.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(agent: &str) -> String {
        let agent = agent.into();
        Browser {
            agent,
            is_secure: true,
        }
        .advice()
    }

    #[test]
    fn each_browser_is_told_what_helps_there() {
        let chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Safari/537.36";
        assert!(told(chrome).contains("--enable-unsafe-webgpu"));
        let old = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0.1.2 Safari/537.36";
        assert!(told(old).contains("version 99"));
        let windows = old.replace("Chrome/99", "Chrome/150");
        assert!(told(&windows).contains("hardware acceleration"));
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert!(told(firefox).contains("dom.webgpu.enabled"));
        let mac =
            "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:140.0) Gecko/20100101 Firefox/140.0";
        assert!(told(mac).contains("Apple silicon"));
        let safari = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.3 Safari/605.1.15";
        assert!(told(safari).contains("macOS 26"));
        assert!(told("").contains("Chrome or Edge"));
    }

    #[test]
    fn a_browser_without_an_adapter_is_told_too() {
        let agent = "Mozilla/5.0 (Windows NT 10.0) Chrome/150.0.0.0 Safari/537.36".into();
        let it = Browser {
            agent,
            is_secure: true,
        };
        assert!(
            it.advice_on("no GPU adapter")
                .contains("hardware acceleration")
        );
        assert_eq!(it.advice_on("the prompt is empty"), "");
    }

    #[test]
    fn an_insecure_page_is_the_first_thing_to_mend() {
        assert!(Browser::default().advice().contains("https"));
    }
}
