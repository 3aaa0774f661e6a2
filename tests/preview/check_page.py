"""index.html of `prevue preview` in a real browser, from file://, with the network off: it plays, scrubs, solos.

usage: check_page.py PREVUE MODEL [SCREENSHOT.png]. Exit 77 where there is no Chromium: scripts/test installs it.
"""
import os
import shutil
import subprocess
import sys
import tempfile
import time

try:
    from selenium import webdriver
    from selenium.webdriver.common.action_chains import ActionChains
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.support.ui import Select, WebDriverWait
except ImportError:
    webdriver = None
BROWSER, DRIVER = shutil.which("chromium"), shutil.which("chromedriver")
if not (webdriver and BROWSER and DRIVER):
    print("selenium, chromium or chromedriver is not installed; scripts/test does that")
    sys.exit(77)

PREVUE, MODEL = map(os.path.abspath, sys.argv[1:3])
SOURCE, AHEAD, TAKES, FPS = 24, 24, 3, 24


def make_previews(folder):
    def run(*command):
        subprocess.run(command, check=True, cwd=folder, stderr=subprocess.DEVNULL, env={
            **os.environ, "PREVUE_MODEL": MODEL, "OMP_THREAD_LIMIT": "1"})

    os.mkdir(folder + "/<")  # so that the path of the clip ends the script of a careless page
    run(PREVUE, "world", "drop", "-q", "-o", "</script>.mkv", "--size", "192x108", "--frames", str(SOURCE))
    for seed in (0, 10):
        run(PREVUE, "preview", "</script>.mkv", "-o", "out", "--shot", "s", "--takes", str(TAKES), "--seed", str(seed),
            "--frames", str(AHEAD), "--steps", "1", "--context", "4")


def open_browser(folder):
    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
                     "--window-size=1280,1000", "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder}/profile"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    from selenium.webdriver.chrome.service import Service
    return webdriver.Chrome(service=Service(DRIVER), options=options)


class Page:
    def __init__(self, browser):
        self.browser = browser
        self.wait = WebDriverWait(browser, 60, poll_frequency=0.05)

    def press(self, *keys):
        chain = ActionChains(self.browser)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def times(self):
        return self.browser.execute_script("return [...document.querySelectorAll('#takes video')].map(v => v.currentTime)")

    def frame(self):
        return int(self.browser.find_element(By.ID, "scrub").get_attribute("value"))

    def state(self):
        return self.browser.find_element(By.ID, "state").text

    def still(self):
        """Every take stands, with the shown frame's picture decoded, in the middle of that frame."""
        def all_there(_):  # at the end of a film there is a moment before the page seeks the last frame's middle
            return self.browser.execute_script("""
                const wanted = (Number(document.getElementById("scrub").value) + 0.5) / arguments[0];
                return [...document.querySelectorAll("#takes video")].every(v =>
                    v.paused && !v.seeking && v.readyState >= 2 && Math.abs(v.currentTime - wanted) < 1e-3)""", FPS)
        self.wait.until(all_there, "a take is not in the middle of the frame that the bar shows")

    def visible(self):
        return [i for i, f in enumerate(self.browser.find_elements(By.CSS_SELECTOR, "#takes figure"))
                if "hidden" not in (f.get_attribute("class") or "")]


def check_loads(page):
    page.still()
    sizes = page.browser.execute_script(
        "return [...document.querySelectorAll('#takes video')].map(v => [v.videoWidth, v.videoHeight, v.error && v.error.message])")
    assert sizes == [[192, 108, None]] * TAKES, sizes
    broken = page.browser.execute_script(
        "return Promise.all([...document.images].map(i => { i.loading = 'eager'; return i.decode().then(() => null, () => i.src) }))")
    assert broken == [None] * 3, broken
    text = page.browser.find_element(By.TAG_NAME, "body").text
    for words in ("s v002", "seed 10", "seed 12", "10, 11, 12", "</script>.mkv", "1 step,", "sample"):
        assert words in text, (words, text)
    assert page.frame() == 0 and page.state() == "SOURCE"


def check_scrubs(page):
    page.press("s")
    page.still()
    assert page.frame() == SOURCE and page.state() == "PREDICTED +0.04 s", (page.frame(), page.state())
    page.press(Keys.ARROW_LEFT)
    page.still()
    assert page.frame() == SOURCE - 1 and page.state() == "SOURCE"
    page.press(Keys.ARROW_RIGHT, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    page.still()
    assert page.frame() == SOURCE + 2
    page.press(Keys.END, Keys.ARROW_RIGHT)
    page.still()
    assert page.frame() == SOURCE + AHEAD - 1 and page.state() == "PREDICTED +1.00 s"
    page.press(Keys.HOME)
    page.still()
    assert page.frame() == 0
    bar = page.browser.find_element(By.ID, "scrub")  # the mouse, three quarters along
    ActionChains(page.browser).move_to_element_with_offset(bar, bar.size["width"] // 4, 0).click().perform()
    page.still()
    assert abs(page.frame() - 0.75 * (SOURCE + AHEAD - 1)) <= 2, page.frame()


def check_plays(page):
    page.press(Keys.HOME)
    page.still()
    page.press(Keys.SPACE)
    seen = []
    page.wait.until(lambda _: (seen.append((page.frame(), page.times())) or page.frame() >= SOURCE + 6))
    moving = [times for number, times in seen if 4 < number]
    assert moving and all(max(times) - min(times) < 2.5 / FPS for times in moving), moving
    page.press(Keys.SPACE)
    page.still()
    there = page.frame()
    time.sleep(0.2)
    assert page.frame() == there, "it goes on after a pause"
    page.press(Keys.SPACE)
    page.wait.until(lambda _: page.frame() == SOURCE + AHEAD - 1)
    page.still()  # it stops at the end


def check_solos(page):
    assert page.visible() == [0, 1, 2]
    page.press("2")
    assert page.visible() == [1]
    page.press(Keys.ARROW_LEFT)
    page.still()  # the others stay in step
    page.press("3")
    assert page.visible() == [2]
    page.press("3")
    assert page.visible() == [0, 1, 2]
    page.browser.find_elements(By.CSS_SELECTOR, "#takes video")[0].click()
    assert page.visible() == [0]
    page.press("9")  # there is no ninth
    page.press("0")
    assert page.visible() == [0, 1, 2]


def check_versions(page):
    Select(page.browser.find_element(By.ID, "version")).select_by_visible_text("s v001")
    page.still()
    assert "seed 2" in page.browser.find_element(By.ID, "takes").text
    Select(page.browser.find_element(By.ID, "version")).select_by_visible_text("s v002")
    page.still()


def check_seam(page):
    """The mark stands between the middle of the thumb at the last real frame and at the first predicted one."""
    for size in ((1280, 1000), (500, 900)):
        page.browser.set_window_size(*size)
        mark, width, thumb = page.browser.execute_script("""
            const bar = document.getElementById("bar"), style = getComputedStyle(bar, "::after");
            return [parseFloat(style.left), bar.clientWidth, parseFloat(getComputedStyle(bar).getPropertyValue("--thumb"))]""")
        assert width > 400, f"the scrub bar has {width} pixels of {size[0]}"
        middles = [thumb / 2 + (width - thumb) * n / (SOURCE + AHEAD - 1) for n in (SOURCE - 1, SOURCE)]
        assert middles[0] < mark < middles[1], (middles, mark)
    page.browser.set_window_size(1280, 1000)


def check_colours(page):
    def back():
        return page.browser.execute_script("return getComputedStyle(document.body).backgroundColor")
    shades = []
    for scheme in ("light", "dark"):
        page.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme}]})
        shades.append(back())
    assert shades[0] == "rgb(246, 245, 242)" and shades[1] == "rgb(19, 19, 22)", shades


with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as scratch:
    make_previews(scratch)
    browser = open_browser(scratch)
    try:
        browser.get(f"file://{scratch}/out/index.html")
        page = Page(browser)
        for check in (check_loads, check_scrubs, check_plays, check_solos, check_versions, check_seam, check_colours):
            check(page)
        errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
        assert not errors, errors
        if len(sys.argv) > 3:
            page.press("s", Keys.ARROW_RIGHT)
            page.still()
            browser.save_screenshot(sys.argv[3])
    finally:
        browser.quit()
